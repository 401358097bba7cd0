"""What is done with each verb, here and with rabbitmqctl, to see the same come out.

A chapter starts from the same world (see world). A line is an argument vector as a shell would
read it; ` <<< ` gives standard input. `{connection}` is a connection of the world, `{channel}` one
of its channels.
"""

# ruff: noqa: E501 - a step is a line

import shlex
from dataclasses import dataclass

CHAPTERS = {
    "add_user": r"""
        add_user eve secret
        add_user eve secret
        add_user eve secret --formatter json
        add_user -q frank secret
        add_user -s grace secret
        add_user heidi <<< secret\n
        add_user -q ivan <<< secret\n
        add_user judy
        add_user judy --formatter json
        add_user ken <<< \n
        add_user "" secret
        add_user ../x secret
        add_user žluťoučký secret
        add_user "two words" secret
        add_user leo secret --formatter json
        add_user --formatter JSON mia secret
        add_user nina secret --vhost x --timeout 5
        add_user nina secret -t 0
        add_user
        add_user a b c
        add_user --nope a b
        add_user a -secret
        add_user a b -t x
        add_user a b --if-empty
        add_user a b --no-table-headers
        list_users -q
    """,
    "delete_user": r"""
        delete_user ada
        delete_user ada
        delete_user ada --formatter json
        delete_user bob --formatter json
        delete_user -q carol
        delete_user -s carol
        delete_user ""
        delete_user ../x
        delete_user
        delete_user a b
        delete_user a -t 0
        delete_user a --timeout
        delete_user a --online
        list_users
    """,
    "change_password": r"""
        change_password bob other
        authenticate_user bob other
        change_password bob <<< another\n
        authenticate_user bob another
        change_password -q bob <<< a third\n
        authenticate_user bob "a third"
        change_password bob
        change_password bob ""
        authenticate_user bob ""
        change_password bob other --formatter json
        change_password nobody other
        change_password nobody other --formatter json
        change_password "" other
        change_password
        change_password a b c
    """,
    "authenticate_user": r"""
        authenticate_user ada lovelace
        authenticate_user -q ada lovelace
        authenticate_user -s ada lovelace
        authenticate_user ada lovelace --formatter json
        authenticate_user ada <<< lovelace\n
        authenticate_user ada <<<   lovelace  \nmore\n
        authenticate_user ada
        authenticate_user ada wrong
        authenticate_user -q ada wrong
        authenticate_user ada wrong --formatter json
        authenticate_user ada ""
        authenticate_user nobody lovelace
        authenticate_user "" lovelace
        authenticate_user
        authenticate_user a b c
    """,
    "list_users": r"""
        list_users
        list_users -q
        list_users -s
        list_users -qs
        -q list_users
        list_users --no-table-headers
        list_users --table-headers
        list_users --formatter table
        list_users --formatter json
        list_users -s --formatter json
        list_users --formatter csv
        --formatter json list_users
        list_users --vhost nowhere
        list_users --no-table-headers --formatter json
        list_users --no-table-headers --formatter csv
        list_users user
        list_users --if-empty
        list_users -t 0
        list_users -t 5
    """,
    "set_user_tags": r"""
        set_user_tags bob administrator monitoring
        list_users
        set_user_tags bob a,b c
        list_users -q
        set_user_tags bob
        list_users -q
        set_user_tags -q bob management
        set_user_tags bob policymaker --formatter json
        list_users --formatter json
        set_user_tags nobody x
        set_user_tags nobody x --formatter json
        set_user_tags "" x
        set_user_tags
        authenticate_user bob builder
    """,
    "add_vhost": r"""
        add_vhost lab
        add_vhost lab
        add_vhost -q lab2
        add_vhost lab3 --formatter json
        add_vhost lab4 --description "some words" --tags a,b
        add_vhost ../x
        add_vhost žlutý
        add_vhost lab5 --default-queue-type classic
        add_vhost lab6 --default-queue-type nope
        add_vhost
        add_vhost a b
        add_vhost a --description
        list_vhosts
        list_vhosts name description
    """,
    "delete_vhost": r"""
        delete_vhost course
        delete_vhost course
        delete_vhost -q course
        delete_vhost empty --formatter json
        delete_vhost empty --formatter json
        delete_vhost ../x
        delete_vhost
        delete_vhost a b
        list_vhosts
    """,
    "list_vhosts": r"""
        list_vhosts
        list_vhosts -q
        list_vhosts -s
        list_vhosts --no-table-headers
        list_vhosts name tracing
        list_vhosts tracing,name
        list_vhosts name default_queue_type cluster_state
        list_vhosts --formatter json
        list_vhosts tracing name --formatter json
        list_vhosts name cluster_state --formatter json
        list_vhosts --formatter csv
        list_vhosts nope
        list_vhosts name metadata
        list_vhosts -t 0
    """,
    "set_permissions": r"""
        set_permissions -p course bob ^a ^b ^c
        set_permissions --vhost course bob ^a ^b ^c
        set_permissions --vhost=course bob ^a ^b ^c
        set_permissions -p=course bob ^a ^b ^c
        -p course set_permissions bob ^a ^b ^c
        list_permissions -p course
        set_permissions -p course bob "" "" ""
        list_permissions -p course
        set_permissions -q -p empty bob .* .* .*
        set_permissions bob .* .* .* --formatter json
        list_user_permissions bob
        set_permissions -p nowhere bob .* .* .*
        set_permissions -p nowhere bob .* .* .* --formatter json
        set_permissions -p course nobody .* .* .*
        set_permissions nobody .* .* .* --formatter json
        set_permissions -p nowhere nobody .* .* .*
        set_permissions -p course bob ( .* .*
        set_permissions -p course bob .* * .*
        set_permissions -p course bob .* .* [ --formatter json
        list_permissions -p course
        set_permissions "" .* .* .*
        set_permissions bob .* .*
        set_permissions bob .* .* .* .*
        set_permissions
    """,
    "clear_permissions": r"""
        clear_permissions -p course ada
        clear_permissions -p course ada
        clear_permissions -q -p course ada
        clear_permissions bob
        clear_permissions -p course ada --formatter json
        clear_permissions -p course nobody
        clear_permissions nobody --formatter json
        clear_permissions -p nowhere ada
        clear_permissions -p nowhere ada --formatter json
        clear_permissions ""
        clear_permissions
        clear_permissions a b
        list_permissions -p course
    """,
    "list_permissions": r"""
        list_permissions
        list_permissions -p course
        list_permissions -p course -q
        list_permissions -p course -s
        list_permissions -p course --no-table-headers
        list_permissions -p course --formatter json
        list_permissions -p course --formatter csv
        list_permissions -p course --formatter pretty_table
        list_permissions -p empty
        list_permissions -p empty -q
        list_permissions -p empty --formatter json
        list_permissions -p empty --formatter csv
        list_permissions -p empty --formatter pretty_table
        list_permissions -p nowhere
        list_permissions -p nowhere --formatter json
        list_permissions x
        list_permissions -t 0
    """,
    "list_user_permissions": r"""
        list_user_permissions ada
        list_user_permissions ada -q
        list_user_permissions ada -s
        list_user_permissions ada --no-table-headers
        list_user_permissions ada -p empty
        list_user_permissions ada --formatter json
        list_user_permissions ada --formatter csv
        list_user_permissions ada --formatter pretty_table
        list_user_permissions bob
        list_user_permissions bob --formatter json
        list_user_permissions nobody
        list_user_permissions nobody --formatter json
        list_user_permissions ""
        list_user_permissions
        list_user_permissions a b
    """,
    "set_policy": r"""
        set_policy -p course limit "^t" "{\"max-length\": 5}"
        list_policies -p course
        set_policy -p course limit ^t "{\"max-length\":6,\"message-ttl\":7}" --priority 3 --apply-to queues
        list_policies -p course
        list_queues -p course name policy
        list_exchanges -p course name policy
        set_policy -p course other "" "{\"alternate-exchange\": \"logs\"}" --apply-to exchanges
        list_exchanges -p course name policy
        list_policies -p course --formatter json
        list_policies -p course --formatter csv
        list_policies -p course -q
        list_policies -p course -s
        list_policies -p course --no-table-headers
        set_policy -p course limit "^t" nonsense
        set_policy -p course limit "^t" "[1]"
        set_policy -p course limit "^t" 5
        set_policy -p course limit "^t" "{}"
        set_policy -p course limit "^t" "{\"nope\": 5}"
        set_policy -p course limit "^t" "{\"max-length\": \"x\"}"
        set_policy -p course limit "(" "{\"max-length\": 5}"
        set_policy -p course limit "(" "{\"max-length\": 5}" --formatter json
        set_policy -p course limit "^t" "{\"max-length\": 5}" --priority x
        set_policy -p course limit "^t" "{\"max-length\": 5}" --priority -1
        set_policy -p course limit "^t" "{\"max-length\": 5}" --apply-to nothing
        set_policy -p nowhere limit "^t" "{\"max-length\": 5}"
        set_policy -p nowhere limit "^t" "{\"max-length\": 5}" --formatter json
        set_policy -q -p course limit "^t" "{\"max-length\": 5}"
        set_policy -p course limit "^t" "{\"max-length\": 5}" --formatter json
        set_policy -p course limit "^t"
        set_policy -p course limit "^t" "{}" more
        list_policies -p nowhere
        list_policies -p empty
        list_policies -p empty --formatter json
        list_policies -p course name
    """,
    "clear_policy": r"""
        set_policy -p course limit "^t" "{\"max-length\": 5}"
        clear_policy -p course limit
        list_policies -p course
        clear_policy -p course limit
        clear_policy -p course limit --formatter json
        clear_policy -q -p course limit
        clear_policy -p nowhere limit
        clear_policy
        clear_policy a b
    """,
    "operator policies": r"""
        set_operator_policy -p course limit "^t" "{\"max-length\": 5}"
        list_operator_policies -p course
        set_operator_policy -p course limit ^t "{\"max-length\": 6}" --priority 3 --apply-to queues
        list_operator_policies -p course
        list_operator_policies -p course --formatter json
        list_operator_policies -q -p course
        set_operator_policy -p course limit "^t" "{\"overflow\": \"drop-head\"}"
        set_operator_policy -p course limit "^t" nonsense
        set_operator_policy -p course limit "^t" "{\"max-length\": 5}" --priority x
        set_operator_policy -p nowhere limit "^t" "{\"max-length\": 5}"
        set_operator_policy -q -p course limit "^t" "{\"max-length\": 5}"
        set_operator_policy -p course limit "^t"
        clear_operator_policy -p course limit
        list_operator_policies -p course
        clear_operator_policy -p course limit
        clear_operator_policy -p nowhere limit
        clear_operator_policy
        list_operator_policies -p nowhere
    """,
    "vhost limits": r"""
        list_vhost_limits -p course
        set_vhost_limits -p course "{\"max-connections\": 64}"
        list_vhost_limits -p course
        set_vhost_limits -p course "{\"max-queues\": 100, \"max-connections\": -1}"
        list_vhost_limits -p course
        list_vhost_limits -p course --formatter json
        list_vhost_limits --global
        list_vhost_limits --global --formatter json
        list_vhost_limits -q -p course
        list_vhost_limits -s -p course
        list_vhost_limits
        set_vhost_limits -p course "{}"
        list_vhost_limits -p course
        set_vhost_limits -p course "{\"max-queues\": 100}"
        set_vhost_limits -p course "{\"nope\": 1}"
        set_vhost_limits -p course "{\"max-queues\": \"x\"}"
        set_vhost_limits -p course nonsense
        set_vhost_limits -p course "[]"
        set_vhost_limits -p course "{\"nope\": 1}" --formatter json
        set_vhost_limits -p nowhere "{\"max-queues\": 1}"
        set_vhost_limits -q -p course "{\"max-queues\": 100}"
        set_vhost_limits -p course "{\"max-queues\": 100}" --formatter json
        set_vhost_limits -p course
        set_vhost_limits -p course a b
        list_vhost_limits -p nowhere
        clear_vhost_limits -p course
        list_vhost_limits -p course
        clear_vhost_limits -p course
        clear_vhost_limits -p nowhere
        clear_vhost_limits a
        list_vhost_limits --global
    """,
    "user limits": r"""
        list_user_limits --user bob
        set_user_limits bob "{\"max-connections\": 64}"
        list_user_limits --user bob
        set_user_limits bob "{\"max-channels\": 100}"
        list_user_limits --user bob
        list_user_limits --user bob --formatter json
        list_user_limits --global
        list_user_limits --global --formatter json
        list_user_limits
        list_user_limits -q --user bob
        list_user_limits -s --user bob
        set_user_limits bob "{\"nope\": 1}"
        set_user_limits bob "{\"max-channels\": \"x\"}"
        set_user_limits bob nonsense
        set_user_limits bob "[]"
        set_user_limits bob "{}"
        set_user_limits nobody "{\"max-channels\": 1}"
        set_user_limits nobody "{\"max-channels\": 1}" --formatter json
        set_user_limits -q bob "{\"max-channels\": 1}"
        set_user_limits bob "{\"max-channels\": 1}" --formatter json
        set_user_limits bob
        set_user_limits bob a b
        list_user_limits --user nobody
        clear_user_limits bob max-channels
        list_user_limits --user bob
        clear_user_limits bob nope
        clear_user_limits bob all
        list_user_limits --user bob
        clear_user_limits bob all
        clear_user_limits nobody all
        clear_user_limits nobody max-channels
        clear_user_limits bob
        list_user_limits --global
    """,
    "topic permissions": r"""
        list_topic_permissions -p course
        set_topic_permissions -p course ada logs "^a" "^b"
        list_topic_permissions -p course
        list_user_topic_permissions ada
        set_topic_permissions -p course ada amq.topic "" ".*"
        list_topic_permissions -p course
        list_topic_permissions -p course --formatter json
        list_user_topic_permissions ada
        list_user_topic_permissions ada --formatter json
        list_topic_permissions -q -p course
        list_user_topic_permissions -q ada
        set_topic_permissions -p course nobody logs "^a" "^b"
        set_topic_permissions -p nowhere ada logs "^a" "^b"
        set_topic_permissions -p course ada logs "(" "^b"
        set_topic_permissions -p course ada logs "(" "^b" --formatter json
        set_topic_permissions -q -p course ada none "^a" "^b"
        set_topic_permissions -p course ada logs "^a" "^b" --formatter json
        set_topic_permissions -p course ada logs "^a"
        set_topic_permissions -p course ada
        clear_topic_permissions -p course ada logs
        list_topic_permissions -p course
        clear_topic_permissions -p course ada logs
        clear_topic_permissions -q -p course ada
        list_topic_permissions -p course
        clear_topic_permissions -p course ada
        clear_topic_permissions -p course nobody
        clear_topic_permissions -p course nobody logs
        clear_topic_permissions -p nowhere ada
        clear_topic_permissions
        list_topic_permissions -p nowhere
        list_user_topic_permissions nobody
        list_user_topic_permissions
    """,
    "list_queues": r"""
        list_queues
        list_queues -p course
        list_queues -p course -q
        list_queues -p course -s
        list_queues -p course --no-table-headers
        list_queues -p course messages,name
        list_queues -p course "messages, name"
        list_queues -p course messages name messages
        list_queues -p course name,
        list_queues name -p course --quiet messages
        list_queues -p course name durable auto_delete arguments policy exclusive consumers
        list_queues -p course name messages_ready messages_unacknowledged messages state type
        list_queues -p course name leader members online slave_pids synchronised_slave_pids
        list_queues -p course name owner_pid exclusive_consumer_tag head_message_timestamp
        list_queues -p course --formatter json
        list_queues -p course name arguments exclusive members leader policy --formatter json
        list_queues -p course --formatter csv name arguments messages
        list_queues -p empty
        list_queues -p empty --formatter json
        list_queues -p empty --formatter csv
        list_queues -p empty --formatter pretty_table
        list_queues -p course --online
        list_queues -p course --offline
        list_queues -p course --online --offline
        list_queues -p course --local
        list_queues -p course -t 30
        list_queues -p course --timeout 30
        list_queues -p empty -p course
        list_queues -p nowhere
        list_queues -p ""
        list_queues -t 0
        list_queues -t x
        list_queues --timeout 2.5
        list_queues -p
        list_queues --vh course
        list_queues nope
        list_queues name nope
        list_queues NAME
        list_queues "name messages"
        list_queues -- -p
        list_queues -z
        list_queues --if-empty
    """,
    "list_exchanges": r"""
        list_exchanges
        list_exchanges -p course
        list_exchanges -p course -q
        list_exchanges -p course -s
        list_exchanges -p course --no-table-headers
        list_exchanges -p course type name
        list_exchanges -p course name type durable auto_delete internal arguments policy
        list_exchanges -p course name arguments durable policy --formatter json
        list_exchanges -p course --formatter csv name arguments
        list_exchanges -p nowhere
        list_exchanges name nope
        list_exchanges -t 0
    """,
    "list_bindings": r"""
        list_bindings
        list_bindings -p course
        list_bindings -p course -q
        list_bindings -p course -s
        list_bindings -p course --no-table-headers
        list_bindings -p course routing_key source_name
        list_bindings -p course --formatter json
        list_bindings -p course --formatter csv
        list_bindings -p empty
        list_bindings -p empty --formatter json
        list_bindings -p nowhere
        list_bindings source_name vhost
        list_bindings -t 0
    """,
    "list_connections": r"""
        list_connections user vhost state channels
        list_connections -q user channels
        list_connections -s user channels
        list_connections --no-table-headers user channels
        list_connections pid name user
        list_connections state user peer_host host
        list_connections user ssl ssl_protocol ssl_key_exchange ssl_cipher ssl_hash
        list_connections user peer_cert_subject peer_cert_issuer peer_cert_validity
        list_connections user protocol auth_mechanism timeout frame_max channel_max
        list_connections user channels client_properties
        list_connections user channels client_properties --formatter json
        list_connections channels peer_host host protocol ssl peer_cert_issuer --formatter json
        list_connections -p empty user channels
        list_connections --formatter csv user channels
        list_connections nope
        list_connections name user_provided_name
        list_connections -t 0
    """,
    "list_channels": r"""
        list_channels
        list_channels -q
        list_channels -s
        list_channels --no-table-headers
        list_channels user number
        list_channels --formatter json
        list_channels --formatter csv
        list_channels pid connection name number user vhost transactional confirm consumer_count
        list_channels number messages_unacknowledged messages_uncommitted acks_uncommitted
        list_channels number messages_unconfirmed prefetch_count global_prefetch_count
        list_channels -p empty
        list_channels nope
        list_channels -t 0
    """,
    "list_consumers": r"""
        list_consumers
        list_consumers -p course
        list_consumers -p course -q
        list_consumers -p course -s
        list_consumers -p course --no-table-headers
        list_consumers -p course consumer_tag queue_name
        list_consumers -p course arguments activity_status active consumer_tag
        list_consumers -p course --formatter json
        list_consumers -p course --formatter csv
        list_consumers -p empty
        list_consumers -p nowhere
        list_consumers exclusive
        list_consumers -t 0
    """,
    "purge_queue": r"""
        purge_queue -p course tasks
        list_queues -p course name messages
        purge_queue -p course -q temp
        purge_queue -p course temp --formatter json
        purge_queue -p course mine
        purge_queue -p course nope
        purge_queue -p course nope --formatter json
        purge_queue -p nowhere tasks
        purge_queue -p course ""
        purge_queue
        purge_queue a b
        purge_queue -p course nope -e
        purge_queue -p course tasks -t 0
    """,
    "delete_queue": r"""
        delete_queue -p course tasks -e
        delete_queue -p course tasks --if-empty
        delete_queue -p course tasks -u
        delete_queue -p course tasks --if-unused
        delete_queue -p course tasks -e -u
        delete_queue -p course -q tasks
        delete_queue -p course tasks
        delete_queue -p course tasks --formatter json
        delete_queue -p course temp --formatter json
        delete_queue -p course "fronta ř"
        delete_queue -p course mine
        delete_queue -p nowhere tasks
        delete_queue -p course ""
        delete_queue -p course -- -x
        delete_queue
        delete_queue a b
        delete_queue a --if-empty=x
        delete_queue a -t 0
        list_queues -p course
    """,
    "close_connection": r"""
        close_connection nope reason
        close_connection "" ""
        close_connection nope reason --formatter json
        close_connection -q {connection} "go home"
        close_connection -q {connection} "go home"
        close_connection {connection} "go home" --formatter json
        close_connection
        close_connection x
        close_connection a b c
    """,
    "status": r"""
        status x
        status --unit zz
        status --unit
        status -t 0
    """,
    "ping": r"""
        ping -q
        ping -s
        ping --formatter json
        ping x
        ping -q -t 0
        ping -q -t 5
    """,
    "await_startup": r"""
        await_startup
        await_startup -q
        await_startup -t 5
        await_startup -t 0
        await_startup --formatter json
        await_startup x
    """,
    "stop": r"""
        stop a b
        stop --nope
    """,
    "parameters": r"""
        set_parameter vhost-limits limits {}
        set_parameter -q vhost-limits limits {}
        set_parameter vhost-limits limits {} --formatter json
        list_parameters
        set_parameter vhost-limits limits "{\"max-queues\":500}"
        set_parameter -p nowhere vhost-limits limits {}
        set_parameter vhost-limits limits
        clear_parameter vhost-limits limits
        clear_parameter vhost-limits limits
        clear_parameter vhost-limits
        clear_parameter a b c
        list_parameters -q
        list_parameters x
        set_global_parameter owner "[1,2]"
        set_global_parameter owner nonsense
        set_global_parameter -q owner 1
        set_global_parameter owner
        clear_global_parameter owner
        clear_global_parameter owner
        clear_global_parameter
    """,
    "cluster": r"""
        set_cluster_name course
        set_cluster_name -q course
        set_cluster_name course --formatter json
        set_cluster_name
        set_cluster_name a b
        await_online_nodes 1 -t 5
        await_online_nodes x
        await_online_nodes
        await_online_nodes 1 2
        enable_feature_flag all
        enable_feature_flag quorum_queue
        enable_feature_flag nope
        enable_feature_flag
        list_unresponsive_queues -q
        cluster_status x
    """,
    "passwords": r"""
        clear_password bob
        clear_password -q bob
        clear_password nobody
        clear_password
        authenticate_user bob builder
    """,
    "closing": r"""
        close_all_user_connections nobody reason
        close_all_user_connections ada
        close_all_user_connections -q ada "go home"
        close_all_connections -p empty reason
        close_all_connections
        close_all_connections --nope x
    """,
    "running": r"""
        set_vm_memory_high_watermark 0.5
        set_vm_memory_high_watermark 1
        set_vm_memory_high_watermark 1.5
        set_vm_memory_high_watermark x
        set_vm_memory_high_watermark absolute 100MB
        set_vm_memory_high_watermark absolute x
        set_vm_memory_high_watermark absolute 1e9
        set_vm_memory_high_watermark absolute
        set_vm_memory_high_watermark absolute 1000 2
        set_vm_memory_high_watermark
        set_vm_memory_high_watermark -q 0.5
        set_vm_memory_high_watermark 0.5 --formatter json
        set_disk_free_limit 60MB
        set_disk_free_limit 1000
        set_disk_free_limit x
        set_disk_free_limit mem_relative 0.1
        set_disk_free_limit mem_relative x
        set_disk_free_limit mem_relative
        set_disk_free_limit
        set_disk_free_limit 50MB 2
        set_disk_free_limit -q 1MB
        set_disk_free_limit 1MB --formatter json
        set_log_level debug
        set_log_level x
        set_log_level
        set_log_level error connection
        set_log_level critical
        set_log_level -q info
        set_log_level info --formatter json
        suspend_listeners
        suspend_listeners -q
        suspend_listeners x
        resume_listeners
        resume_listeners -q
        resume_listeners --formatter json
        resume_listeners x
        rotate_logs
        environment x
        report x
    """,
    "checks": r"""
        check_running
        check_running -q
        check_running x
        check_local_alarms
        check_local_alarms -q
        check_alarms
        check_alarms x
        alarms
        alarms -q
        check_virtual_hosts
        check_virtual_hosts -q
        check_port_listener 1
        check_port_listener x
        check_port_listener
        check_protocol_listener amqp
        check_protocol_listener amqp091 -q
        check_protocol_listener mqtt
        check_protocol_listener
        check_certificate_expiration
        check_certificate_expiration -q --within 2 --unit weeks
        check_certificate_expiration --within 2 --unit fortnights
        listeners x
        memory_breakdown x
        server_version x
        log_tail x
        log_location x
    """,
    "unknown verbs": r"""
        frobnicate
        frobnicate -q
        list_queus
        --version
    """,
}

# With no broker running. Wrong usage is found before anybody looks for one.
ALONE = r"""
    add_user a b
    delete_user a
    change_password a b
    authenticate_user a b
    list_users
    list_users -q
    list_users --formatter json
    set_user_tags a b
    add_vhost a
    delete_vhost a
    list_vhosts
    set_permissions a b c d
    clear_permissions a
    list_permissions
    list_user_permissions a
    list_queues
    list_exchanges
    list_bindings
    list_connections
    list_channels
    list_consumers
    purge_queue a
    delete_queue a
    close_connection a b
    status
    status --formatter json
    ping -q
    ping --formatter json
    stop
    stop -q
    stop --idempotent
    stop -q --idempotent
    await_startup -t 1
    list_queues nope
    delete_user
    frobnicate
"""

# Of these only the sections and the keys are compared: much of it is Erlang's.
STATUS = r"""
    status
    status -q
    status --unit MB
    status --formatter json
"""

# The last of all.
THE_END = "stop"


# Verbs of another program of RabbitMQ's than rabbitmqctl.
OF_DIAGNOSTICS = {
    "alarms",
    "check_alarms",
    "check_certificate_expiration",
    "check_local_alarms",
    "check_port_listener",
    "check_protocol_listener",
    "check_running",
    "check_virtual_hosts",
    "listeners",
    "log_location",
    "log_tail",
    "memory_breakdown",
    "server_version",
}


@dataclass(frozen=True)
class Step:
    """A use of the command: its line, the arguments in it, and what it reads."""

    line: str

    @property
    def arguments(self) -> list[str]:
        return shlex.split(self.line.partition(" <<< ")[0])

    @property
    def stdin(self) -> str:
        return self.line.partition(" <<< ")[2].replace("\\n", "\n")


def steps(text: str) -> list[Step]:
    """The steps of a chapter."""
    return [Step(line.lstrip()) for line in text.splitlines() if line.strip()]
