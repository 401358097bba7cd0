"""The keys of rabbitmq.conf: which setting each of them gives, and which are not obeyed and why.

`$` in a key stands for any one name, and `*` at its end for whatever follows. A key whose setting
this version does not have is named in the log like one of those that are not obeyed.
"""

from collections.abc import Callable
from enum import Enum
from typing import Final

from leveret.sources import values
from leveret.sources.values import Only

ONE_NODE: Final = "there is one node and no cluster"
ERLANG: Final = "it is about Erlang, and there is none"
PLUGIN: Final = "there is no such plugin here"
STORE: Final = "the message store is another one and has no such setting"


class Shape(Enum):
    """How a key's value becomes a part of its setting."""

    # It is the setting's value.
    WHOLE = 0
    # True puts the name into the setting's list.
    NAME = 1
    # It goes into the setting's list.
    ITEM = 2
    # It is a field of the part of the setting with this name.
    FIELD = 3


class Key:
    """A row: `setting` may be several names with spaces, for which `convert` returns a value each.
    `field` is that of the part, and a dot leads into a table in it."""

    def __init__(
        self,
        pattern: str,
        setting: str,
        convert: Callable[[str], object] = values.text,
        shape: Shape = Shape.WHOLE,
        field: str = "",
    ) -> None:
        self.pattern = pattern
        self.setting = setting
        self.convert = convert
        self.shape = shape
        self.field = field

    @property
    def shown(self) -> str:
        """The key for people."""
        return self.pattern.replace("$", "NAME")


def _field(pattern: str, setting: str, field: str, convert: Callable[[str], object]) -> Key:
    return Key(f"{pattern}.{field}", setting, convert, Shape.FIELD, field)


def _policy(field: str, convert: Callable[[str], object]) -> Key:
    definition = f"definition.{field.replace('_', '-')}"
    key = f"default_policies.operator.$.{field}"
    return Key(key, "default_operator_policies", convert, Shape.FIELD, definition)


KEYS: Final = (
    # Listeners.
    Key("listeners.tcp", "amqp_enabled", values.none_listens),
    Key("listeners.tcp.$", "amqp_host amqp_port", values.address),
    Key("listeners.ssl.$", "amqps_host amqps_port", values.address),
    Key("management.tcp.port", "http_port", values.integer),
    Key("management.tcp.ip", "http_host"),
    Key("management.listener.port", "http_port", values.integer),
    Key("management.listener.ip", "http_host"),
    Key("management.ssl.port", "https_port", values.integer),
    Key("prometheus.tcp.port", "prometheus_port", values.integer),
    Key("prometheus.tcp.ip", "prometheus_host"),
    Key("event_exchange.vhost", "event_exchange_vhost"),
    Key("tcp_listen_options.backlog", "tcp_backlog", values.integer),
    Key("tcp_listen_options.keepalive", "tcp_keepalive", values.truth),
    Key("tcp_listen_options.sndbuf", "tcp_send_buffer_bytes", values.integer),
    Key("tcp_listen_options.recbuf", "tcp_receive_buffer_bytes", values.integer),
    # TLS.
    Key("ssl_options.certfile", "tls_certificate_file"),
    Key("ssl_options.keyfile", "tls_key_file"),
    Key("ssl_options.password", "tls_key_password"),
    Key("ssl_options.cacertfile", "tls_ca_file"),
    Key("ssl_options.verify", "tls_verify_peer", values.verify_peer),
    Key("ssl_options.fail_if_no_peer_cert", "tls_fail_if_no_peer_certificate", values.truth),
    Key("ssl_options.versions.$", "tls_versions", shape=Shape.ITEM),
    Key("ssl_options.ciphers.$", "tls_ciphers", shape=Shape.ITEM),
    Key("ssl_cert_login_from", "tls_login_from"),
    Key("ssl_handshake_timeout", "tls_handshake_timeout_seconds", values.milliseconds),
    Key("management.ssl.certfile", "tls_certificate_file"),
    Key("management.ssl.keyfile", "tls_key_file"),
    Key("management.ssl.password", "tls_key_password"),
    Key("management.ssl.cacertfile", "tls_ca_file"),
    # Who may come in.
    Key("auth_mechanisms.$", "auth_mechanisms", shape=Shape.ITEM),
    Key("loopback_users", "loopback_users", values.no_list),
    Key("loopback_users.$", "loopback_users", values.truth, Shape.NAME),
    Key("default_vhost", "default_vhost"),
    Key("default_user", "default_user"),
    Key("default_pass", "default_pass"),
    Key("default_permissions.configure", "default_permissions_configure"),
    Key("default_permissions.write", "default_permissions_write"),
    Key("default_permissions.read", "default_permissions_read"),
    Key("default_user_tags.$", "default_user_tags", values.truth, Shape.NAME),
    Key("credential_validator.min_length", "password_min_length", values.integer),
    Key("credential_validator.regexp", "password_pattern"),
    # What a connection is granted.
    Key("handshake_timeout", "handshake_timeout_seconds", values.milliseconds),
    Key("heartbeat", "heartbeat_seconds", values.integer),
    Key("frame_max", "frame_max_bytes", values.frame_bytes),
    Key("initial_frame_max", "initial_frame_max_bytes", values.size_bytes),
    Key("channel_max", "channel_max", values.channels),
    Key("consumer_max_per_channel", "consumer_max_per_channel", values.limit),
    Key("max_message_size", "max_message_size_bytes", values.size_bytes),
    Key("consumer_timeout", "consumer_timeout_seconds", values.milliseconds),
    # How many of a thing there may be.
    Key("connection_max", "connection_max", values.limit_or_minus_1),
    Key("max_connections", "connection_max", values.limit_or_minus_1),
    Key("channel_max_per_node", "channel_max_per_node", values.limit),
    Key("vhost_max", "vhost_max", values.limit_or_minus_1),
    Key("cluster_queue_limit", "queue_max", values.limit),
    # Memory and disk.
    Key("vm_memory_high_watermark.relative", "memory_high_watermark_ratio", values.number),
    Key("vm_memory_high_watermark.absolute", "memory_high_watermark_bytes", values.size_bytes),
    Key("vm_memory_high_watermark_paging_ratio", "memory_paging_ratio", values.number),
    Key("total_memory_available_override_value", "memory_total_bytes", values.size_bytes),
    Key("memory_monitor_interval", "memory_monitor_interval_seconds", values.milliseconds),
    Key("disk_free_limit.absolute", "disk_free_limit_bytes", values.size_bytes),
    Key("disk_free_limit.relative", "disk_free_limit_ratio", values.number),
    # Definitions, and what a new vhost begins with.
    Key("load_definitions", "load_definitions"),
    Key("management.load_definitions", "load_definitions"),
    Key("definitions.local.path", "load_definitions"),
    Key("definitions.skip_if_unchanged", "definitions_skip_if_unchanged", values.truth),
    Key("default_queue_type", "default_queue_type", values.queue_type),
    _field("default_users.$", "default_users", "vhost_pattern", values.text),
    _field("default_users.$", "default_users", "password", values.text),
    _field("default_users.$", "default_users", "configure", values.text),
    _field("default_users.$", "default_users", "write", values.text),
    _field("default_users.$", "default_users", "read", values.text),
    _field("default_users.$", "default_users", "tags", values.words),
    _field("default_limits.vhosts.$", "default_vhost_limits", "pattern", values.text),
    _field("default_limits.vhosts.$", "default_vhost_limits", "max_connections", values.integer),
    _field("default_limits.vhosts.$", "default_vhost_limits", "max_queues", values.integer),
    *(
        _field("default_policies.operator.$", "default_operator_policies", field, values.text)
        for field in ("vhost_pattern", "queue_pattern", "apply_to")
    ),
    _policy("expires", values.duration_ms),
    _policy("message_ttl", values.duration_ms),
    _policy("max_length", values.integer),
    _policy("max_length_bytes", values.size_bytes),
    _policy("delivery_limit", values.integer),
    # The log.
    Key("log.file", "log_file"),
    Key("log.file.level", "log_level", values.log_level),
    Key("log.file.formatter", "log_format", values.log_format),
    Key("log.console.level", "log_level", values.log_level),
    Key("log.console.formatter", "log_format", values.log_format),
    Key("log.default.level", "log_level", values.log_level),
    # What is so already, or cannot be otherwise.
    Key("log.console", "", Only("true on", "the console is used where there is no log_file")),
    Key(
        "log.file.rotation.date",
        "",
        Only("", "another program renames the file, and then a new one is begun"),
    ),
    Key("log.file.rotation.size", "", Only("0", "another program renames the file")),
    Key("log.file.rotation.count", "", Only("0", "another program renames the file")),
    Key("log.console.stdio", "", Only("stderr", "the log goes to standard error")),
    Key("tcp_listen_options.nodelay", "", Only("true", "small messages never wait for more")),
    Key("tcp_listen_options.exit_on_close", "", Only("false true", "a closed socket is gone")),
    Key(
        "definitions.import_backend",
        "",
        Only("local_filesystem", "definitions are read from a file, set load_definitions"),
    ),
    Key(
        "password_hashing_module",
        "",
        Only("rabbit_password_hashing_sha256", "new passwords are hashed with SHA-256"),
    ),
    Key(
        "credential_validator.validation_backend",
        "",
        Only(
            "rabbit_credential_validator_accept_everything "
            "rabbit_credential_validator_min_password_length "
            "rabbit_credential_validator_password_regexp",
            "there are password_min_length and password_pattern",
        ),
    ),
    Key("auth_backends.$", "", Only("internal rabbit_auth_backend_internal", PLUGIN)),
    Key("auth_backends.$.authn", "", Only("internal", PLUGIN)),
    Key("auth_backends.$.authz", "", Only("internal", PLUGIN)),
    Key(
        "vm_memory_calculation_strategy",
        "",
        Only("rss", "the resident memory is what counts"),
    ),
    Key("proxy_protocol", "", Only("false", "the PROXY protocol is not spoken")),
    Key("reverse_dns_lookups", "", Only("false", "clients are known by their addresses")),
    Key("cluster_partition_handling", "", Only("ignore", ONE_NODE)),
    Key("ssl_options", "", Only("none", "give ssl_options.certfile and the like")),
    Key("listeners.ssl", "", Only("none", "give listeners.ssl.default")),
)


def _each(prefix: str, names: str, why: str) -> list[tuple[str, str]]:
    """A row for each name: in a family with keys of ours a `*` would hide typing errors."""
    return [(f"{prefix}.{name}", why) for name in names.split()]


NOT_OBEYED: Final = (
    *_each(
        "tcp_listen_options",
        "buffer delay_send dontroute fd high_msgq_watermark high_watermark low_msgq_watermark "
        "low_watermark port priority send_timeout send_timeout_close tos linger.on linger.timeout",
        "the sockets have no such option",
    ),
    ("tcp_listen_options", "give single options"),
    *_each(
        "ssl_options",
        "cacerts.* cert client_renegotiation crl_check depth dh dhfile honor_cipher_order "
        "honor_ecc_order key.* log_alert log_level psk_identity reuse_sessions "
        "secure_renegotiate bypass_pem_cache",
        "TLS is OpenSSL's, which has no such setting here",
    ),
    ("ssl_cert_login_san_type", "no setting chooses among a certificate's alternative names"),
    ("ssl_cert_login_san_index", "no setting chooses among a certificate's alternative names"),
    ("ssl_allow_poodle_attack", "there is no SSL 3"),
    *_each(
        "management.ssl",
        "ip backlog verify fail_if_no_peer_cert honor_cipher_order honor_ecc_order reuse_sessions "
        "secure_renegotiate client_renegotiation depth versions.$ ciphers.$",
        "HTTP has the TLS settings of AMQP",
    ),
    *(
        row
        for listener in ("management.tcp", "management.ssl", "prometheus.tcp", "prometheus.ssl")
        for row in _each(
            listener,
            "compress idle_timeout inactivity_timeout request_timeout shutdown_timeout "
            "max_keepalive",
            "HTTP has no such setting",
        )
    ),
    ("management.listener.ssl", "give management.ssl.port"),
    ("management.listener.ssl_opts.*", "give management.ssl"),
    ("management.listener.server.*", "HTTP has no such setting"),
    ("management.path_prefix", "the API is at /api"),
    ("management.http.max_body_size", "a body has at most 1 MiB, one with definitions 50 MiB"),
    ("management.http_log_dir", "changes over HTTP are in the broker's log"),
    ("management.rates_mode", "rates are those of basic"),
    ("management.sample_retention_policies.*", "samples are kept for a fixed time"),
    *_each(
        "management",
        "login_session_timeout db_cache_multiplier cors.* csp.policy hsts.policy headers.* "
        "disable_basic_auth disable_stats enable_queue_totals enable_uaa uaa_client_id "
        "uaa_location oauth_enabled oauth_client_id oauth_provider_url oauth_scopes restrictions.*",
        "there is no such setting for HTTP",
    ),
    ("management_agent.*", "counting is done in the broker"),
    ("collect_statistics", "counting is done always"),
    ("collect_statistics_interval", "counts are of the moment, and samples are taken every 5 s"),
    *_each(
        "prometheus",
        "path return_per_object_metrics filter_aggregated_queue_metrics_pattern authentication.*",
        "there is no such setting for metrics",
    ),
    *_each(
        "prometheus.ssl",
        "port ip backlog certfile keyfile cacertfile password verify fail_if_no_peer_cert "
        "honor_cipher_order honor_ecc_order reuse_sessions secure_renegotiate "
        "client_renegotiation depth versions.$ ciphers.$",
        "metrics have no TLS of their own",
    ),
    *_each(
        "definitions",
        "hashing.algorithm https.url tls.*",
        "definitions are read from a file, set load_definitions",
    ),
    ("default_policies.operator.$.classic_queues.*", "classic queues have one version, no mirrors"),
    ("default_policies.operator.$.max_in_memory_bytes", "what leaves memory is not configured"),
    ("default_policies.operator.$.max_in_memory_length", "what leaves memory is not configured"),
    ("max_channels_per_connection", "set channel_max"),
    ("ranch_connection_max", "set connection_max"),
    ("log.exchange", "the log is not published"),
    ("log.exchange.*", "the log is not published"),
    ("log.syslog.*", "standard error is what a service manager reads"),
    ("log.journald.*", "standard error is what the journal reads"),
    ("log.dir", "set log_file"),
    *_each(
        "log",
        "connection.* channel.* mirroring.* queue.* federation.* upgrade.* ra.* prelaunch.* "
        "default.rotation.* console.use_colors console.color_esc_seqs.* console.formatter.* "
        "file.formatter.* file.rotation.compress",
        "one level, one form and one file hold for the whole log",
    ),
    ("deprecated_features.*", "set compat, which says what is permitted"),
    ("cluster_name", "the cluster is named after the node"),
    ("cluster_formation.*", ONE_NODE),
    ("cluster_partition_handling.*", ONE_NODE),
    ("cluster_keepalive_interval", ONE_NODE),
    ("cluster_tags.*", ONE_NODE),
    ("node_tags.*", ONE_NODE),
    ("queue_master_locator", ONE_NODE),
    ("queue_leader_locator", ONE_NODE),
    ("mirroring_sync_batch_size", ONE_NODE),
    ("mirroring_sync_max_throughput", ONE_NODE),
    ("delegate_count", ONE_NODE),
    ("mnesia_table_loading_retry_timeout", ONE_NODE),
    ("mnesia_table_loading_retry_limit", ONE_NODE),
    ("metadata_store.*", ONE_NODE),
    ("khepri.*", ONE_NODE),
    ("net_ticktime", ERLANG),
    ("distribution.*", ERLANG),
    ("erlang.*", ERLANG),
    ("hipe_compile", ERLANG),
    ("background_gc_enabled", ERLANG),
    ("background_gc_target_interval", ERLANG),
    ("sysmon_handler.*", ERLANG),
    ("default_worker_pool_size", ERLANG),
    ("num_acceptors.*", ERLANG),
    ("socket_writer.*", ERLANG),
    ("vhost_restart_strategy", ERLANG),
    ("raft.*", STORE),
    ("quorum_queue.*", STORE),
    ("classic_queue.*", STORE),
    ("queue_index_embed_msgs_below", STORE),
    ("message_store_shutdown_timeout", STORE),
    ("stream.*", "there are no streams"),
    ("product.*", "set identity"),
    ("motd_file", "there is no banner"),
    ("mqtt.*", PLUGIN),
    ("stomp.*", PLUGIN),
    ("web_mqtt.*", PLUGIN),
    ("web_stomp.*", PLUGIN),
    ("auth_ldap.*", PLUGIN),
    ("auth_http.*", PLUGIN),
    ("auth_oauth2.*", PLUGIN),
    ("auth_cache.*", PLUGIN),
    ("trust_store.*", PLUGIN),
    ("federation.*", PLUGIN),
    ("shovel.*", PLUGIN),
    ("amqp1_0.*", PLUGIN),
    ("aws.*", PLUGIN),
)
