"""/api/policies and /api/operator-policies: what queues and exchanges obey beside arguments."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, ClassVar, Final

import msgspec

from leveret.broker.policies import OPERATOR_POLICY, POLICY, Policy, PolicyError
from leveret.management.answers import PolicyAnswer
from leveret.management.authorisation import ADMINISTER, CHANGE_POLICIES, READ_OBJECTS
from leveret.management.bodies import Number, Object, Text
from leveret.management.calls import Call, changed, check_new_name, created
from leveret.management.lists import listed
from leveret.management.parameter_families import POLICIES
from leveret.management.refusals import bad_request, not_found
from leveret.management.routing import Route
from leveret.management.searches import check_search_time
from leveret.management.views import policy_view

if TYPE_CHECKING:
    from starlette.responses import Response

    from leveret.management.authorisation import Operation


class PolicyBody(msgspec.Struct):
    """Of any types: what is wrong with them, the policy says."""

    REQUIRED: ClassVar = ("pattern", "definition")

    pattern: Text = msgspec.UNSET
    definition: Object = msgspec.UNSET
    priority: Number = 0
    apply_to: Text = msgspec.field(default="all", name="apply-to")


class _Resource:
    """The paths of one kind of policies."""

    def __init__(self, kind: str, path: str, changing: Operation) -> None:
        self._kind = kind
        one = f"{path}/{{vhost}}/{{name}}"
        self.routes = (
            Route("GET", path, READ_OBJECTS, self._list_all, answer=list[PolicyAnswer]),
            Route(
                "GET",
                f"{path}/{{vhost}}",
                READ_OBJECTS,
                self._list_in_vhost,
                answer=list[PolicyAnswer],
            ),
            Route("GET", one, changing, self._show, answer=PolicyAnswer),
            Route("PUT", one, changing, self._put, body=PolicyBody),
            Route("DELETE", one, changing, self._delete),
        )

    async def _list_all(self, call: Call) -> Response:
        return await listed(call, POLICIES[self._kind], sees=call.sees_vhosts())

    async def _list_in_vhost(self, call: Call) -> Response:
        return await listed(call, POLICIES[self._kind], call.vhost.name)

    async def _show(self, call: Call) -> Response:
        return call.found(policy_view(call.vhost, self._known(call)))

    async def _put(self, call: Call) -> Response:
        body = await call.body(PolicyBody)
        name = call.names["name"]
        check_new_name("policy name", name)
        if not isinstance(body.definition, dict):
            raise bad_request("the definition of a policy is an object")
        try:
            policy = Policy(
                self._kind, name, body.pattern, body.definition, body.priority, body.apply_to
            )
        except PolicyError as error:
            # RabbitMQ escapes the one and not the other.
            text = str(error)
            raise bad_request(
                html.escape(text, quote=False) if self._kind == POLICY else text
            ) from None
        await check_search_time(call.vhost, policy, call.management.lists.new_pace())
        policies = call.vhost.policies
        known = name in policies.of(self._kind)
        await call.done(policies.put(policy))
        return changed() if known else created()

    async def _delete(self, call: Call) -> Response:
        name = self._known(call).name
        await call.done(call.vhost.policies.clear(self._kind, name))
        return changed()

    def _known(self, call: Call) -> Policy:
        policy = call.vhost.policies.of(self._kind).get(call.names["name"])
        if policy is None:
            raise not_found()
        return policy


ROUTES: Final = (
    *_Resource(POLICY, "/policies", CHANGE_POLICIES).routes,
    *_Resource(OPERATOR_POLICY, "/operator-policies", ADMINISTER).routes,
)
