"""What the API answers, for its description: the members that an answer always has.

An answer may hold more: what belongs to a type of queue, and statistics that RabbitMQ leaves out
as long as there are none.
"""

from typing import Any

import msgspec


class ErrorAnswer(msgspec.Struct):
    """Of every refusal. Some of RabbitMQ's reasons are lists of texts."""

    error: str
    reason: Any


# --- the broker ---


class OverviewAnswer(msgspec.Struct):
    management_version: str
    rabbitmq_version: str
    product_name: str
    product_version: str
    cluster_name: str
    rates_mode: str
    exchange_types: list[dict[str, Any]]
    queue_totals: dict[str, Any]
    object_totals: dict[str, int]


class NodeAnswer(msgspec.Struct):
    name: str
    type: str
    running: bool
    os_pid: str
    uptime: int
    processors: int
    mem_used: int
    mem_limit: int
    mem_alarm: bool
    disk_free_limit: int
    disk_free_alarm: bool
    sockets_used: int
    partitions: list[str]


class MemoryAnswer(msgspec.Struct):
    memory: dict[str, Any]


class ClusterNameAnswer(msgspec.Struct):
    name: str


class WhoAmI(msgspec.Struct):
    name: str
    tags: list[str]


class AuthAttempts(msgspec.Struct):
    protocol: str
    auth_attempts: int
    auth_attempts_failed: int
    auth_attempts_succeeded: int


class FeatureFlag(msgspec.Struct):
    name: str
    desc: str
    doc_url: str
    state: str
    stability: str
    provided_by: str


class DeprecatedFeature(msgspec.Struct):
    name: str
    desc: str
    doc_url: str
    state: str
    deprecation_phase: str
    provided_by: str


class PasswordHash(msgspec.Struct):
    ok: str


class Status(msgspec.Struct):
    """Of a health check; one that fails answers 503 with a reason."""

    status: str


# --- access ---


class VHostAnswer(msgspec.Struct):
    name: str
    description: str
    tags: list[str]
    default_queue_type: str
    metadata: dict[str, Any]
    tracing: bool
    cluster_state: dict[str, str]
    messages: int
    messages_ready: int
    messages_unacknowledged: int


class UserAnswer(msgspec.Struct):
    name: str
    password_hash: str
    hashing_algorithm: str
    tags: list[str]
    limits: dict[str, int]


class PermissionsAnswer(msgspec.Struct):
    user: str
    vhost: str
    configure: str
    write: str
    read: str


class TopicPermissionsAnswer(msgspec.Struct):
    user: str
    vhost: str
    exchange: str
    write: str
    read: str


class VHostLimits(msgspec.Struct):
    vhost: str
    value: dict[str, int]


class UserLimits(msgspec.Struct):
    user: str
    value: dict[str, int]


class PolicyAnswer(msgspec.Struct):
    vhost: str
    name: str
    pattern: str
    definition: dict[str, Any]
    priority: int | float
    apply_to: str = msgspec.field(name="apply-to")


class ParameterAnswer(msgspec.Struct):
    component: str
    vhost: str
    name: str
    value: Any


class GlobalParameterAnswer(msgspec.Struct):
    name: str
    value: Any


# --- objects ---


class QueueAnswer(msgspec.Struct):
    name: str
    vhost: str
    type: str
    durable: bool
    auto_delete: bool
    exclusive: bool
    arguments: dict[str, Any]
    node: str
    state: str
    messages: int
    messages_ready: int
    messages_unacknowledged: int
    messages_ram: int
    messages_persistent: int
    message_bytes: int
    message_bytes_ready: int
    message_bytes_unacknowledged: int
    message_bytes_ram: int
    message_bytes_persistent: int
    consumers: int
    memory: int
    policy: str | None
    operator_policy: str | None
    effective_policy_definition: dict[str, Any]


class ExchangeAnswer(msgspec.Struct):
    name: str
    vhost: str
    type: str
    durable: bool
    auto_delete: bool
    internal: bool
    arguments: dict[str, Any]


class BindingAnswer(msgspec.Struct):
    source: str
    vhost: str
    destination: str
    destination_type: str
    routing_key: str
    arguments: dict[str, Any]
    properties_key: str


class ConnectionAnswer(msgspec.Struct):
    name: str
    user: str
    vhost: str
    node: str
    type: str
    protocol: str
    state: str
    auth_mechanism: str
    peer_host: str
    peer_port: int
    channels: int
    channel_max: int
    frame_max: int
    timeout: int
    connected_at: int
    client_properties: dict[str, Any]


class TrackedConnection(msgspec.Struct):
    """Of a user's connections RabbitMQ tells no more."""

    name: str
    vhost: str
    user: str
    node: str


class ChannelAnswer(msgspec.Struct):
    name: str
    number: int
    user: str
    vhost: str
    node: str
    state: str
    connection_details: dict[str, Any]
    consumer_count: int
    messages_unacknowledged: int
    messages_unconfirmed: int
    messages_uncommitted: int
    acks_uncommitted: int
    prefetch_count: int
    global_prefetch_count: int
    confirm: bool
    transactional: bool


class ConsumerAnswer(msgspec.Struct):
    consumer_tag: str
    queue: dict[str, str]
    channel_details: dict[str, Any]
    ack_required: bool
    active: bool
    exclusive: bool
    prefetch_count: int
    arguments: dict[str, Any]


# --- messages ---


class Routed(msgspec.Struct):
    routed: bool


class MessageAnswer(msgspec.Struct):
    """`properties` is an empty array where there are none; `payload` is text or base64, as
    `payload_encoding` says."""

    payload_bytes: int
    redelivered: bool
    exchange: str
    routing_key: str
    message_count: int
    properties: dict[str, Any] | list[Any]
    payload: str
    payload_encoding: str


# --- Leveret's own ---


class NodeStatus(msgspec.Struct):
    pid: int
    node: str
    version: str
    rabbitmq_version: str
    build: str
    python: str
    uptime_seconds: int
    alarms: list[str]
    counts: dict[str, int]
    listeners: list[dict[str, Any]]


class LogTail(msgspec.Struct):
    file: str | None
    lines: list[str]


class Authenticated(msgspec.Struct):
    authenticated: bool


# --- definitions ---


class VHostDefinitionsAnswer(msgspec.Struct):
    rabbit_version: str
    parameters: list[dict[str, Any]]
    policies: list[dict[str, Any]]
    queues: list[dict[str, Any]]
    exchanges: list[dict[str, Any]]
    bindings: list[dict[str, Any]]


class DefinitionsAnswer(VHostDefinitionsAnswer):
    rabbitmq_version: str
    product_name: str
    product_version: str
    users: list[dict[str, Any]]
    vhosts: list[dict[str, Any]]
    permissions: list[dict[str, Any]]
    topic_permissions: list[dict[str, Any]]
    global_parameters: list[dict[str, Any]]


class ImportAnswer(msgspec.Struct):
    """To an import that asks for a report."""

    left_alone: list[str]
