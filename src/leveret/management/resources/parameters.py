"""/api/parameters and /api/global-parameters.

In RabbitMQ the limits of a vhost and its policies are runtime parameters. They are shown as such;
what sets them is the same as below their own paths. Global parameters are kept for their own sake.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

import msgspec

from leveret.broker.limits import LimitError
from leveret.broker.policies import OPERATOR_POLICY, POLICY, Policy, PolicyError
from leveret.management.answers import GlobalParameterAnswer, ParameterAnswer
from leveret.management.authorisation import (
    ADMINISTER,
    CHANGE_GLOBAL_PARAMETERS,
    CHANGE_POLICIES,
    READ_PARAMETERS,
)
from leveret.management.calls import changed, check_new_name, created
from leveret.management.lists import listed
from leveret.management.parameter_families import (
    COMPONENTS,
    LIMITS,
    PARAMETERS,
    PARAMETERS_OF,
    VHOST_LIMITS,
    parameter_view,
    parameters_of,
)
from leveret.management.refusals import bad_request, not_found
from leveret.management.routing import Route
from leveret.management.searches import check_search_time

if TYPE_CHECKING:
    from starlette.responses import Response

    from leveret.management.calls import Call

POLICY_KEYS: Final = ("pattern", "definition", "priority", "apply-to")


class ParameterBody(msgspec.Struct):
    REQUIRED: ClassVar = ("value",)

    value: Any = msgspec.UNSET


# --- runtime parameters ---


async def list_all(call: Call) -> Response:
    """Policies are no parameters here unless one asks for them."""
    return await listed(call, PARAMETERS, sees=call.sees_vhosts(READ_PARAMETERS))


async def list_component(call: Call) -> Response:
    family = PARAMETERS_OF.get(call.names["component"])
    if family is None:
        return call.found([])
    return await listed(call, family, sees=call.sees_vhosts(READ_PARAMETERS))


async def list_in_vhost(call: Call) -> Response:
    vhost, family = call.vhost, PARAMETERS_OF.get(call.names["component"])
    return call.found([]) if family is None else await listed(call, family, vhost.name)


async def show_parameter(call: Call) -> Response:
    component, name = _known(call)
    thing = parameters_of(call.vhost, component)[name]
    return call.found(parameter_view(call.management, (call.vhost, component, name, thing)))


async def put_parameter(call: Call) -> Response:
    body = await call.body(ParameterBody)
    component, name, vhost = call.names["component"], call.names["name"], call.vhost
    check_new_name("parameter name", name)
    if component == POLICY:
        raise bad_request("policies may not be set using this method")
    if component not in COMPONENTS:
        raise bad_request(f"Validation failed\n\ncomponent {component} not found\n")
    if not isinstance(body.value, dict):
        raise bad_request(f"the value of {component} is an object")
    known = name in parameters_of(vhost, component)
    if component == VHOST_LIMITS:
        if name != LIMITS:
            raise bad_request(f"the limits of a vhost are called {LIMITS}")
        try:
            setting = call.management.broker.set_vhost_limits(vhost, body.value)
        except LimitError as error:
            raise bad_request(str(error)) from None
    else:
        policy = _operator_policy(name, body.value)
        await check_search_time(vhost, policy, call.management.lists.new_pace())
        # The vhost may have gone meanwhile.
        setting = call.vhost.policies.put(policy)
    await call.done(setting)
    return changed() if known else created()


async def delete_parameter(call: Call) -> Response:
    component, name = _known(call)
    if component == VHOST_LIMITS:
        await call.done(call.management.broker.set_vhost_limits(call.vhost, {}))
    elif component == OPERATOR_POLICY:
        await call.done(call.vhost.policies.clear(OPERATOR_POLICY, name))
    else:
        raise bad_request("policies may not be cleared using this method")
    return changed()


def _operator_policy(name: str, value: dict[str, Any]) -> Policy:
    for key in POLICY_KEYS[:3]:
        if key not in value:
            raise bad_request(f'Validation failed\n\nKey "{key}" not found in {name}\n')
    if not isinstance(value["definition"], dict):
        raise bad_request("the definition of a policy is an object")
    try:
        return Policy(
            OPERATOR_POLICY,
            name,
            value["pattern"],
            value["definition"],
            value["priority"],
            value.get("apply-to", "all"),
        )
    except PolicyError as error:
        raise bad_request(str(error)) from None


def _known(call: Call) -> tuple[str, str]:
    component, name = call.names["component"], call.names["name"]
    if name not in parameters_of(call.vhost, component):
        raise not_found()
    return component, name


# --- global parameters ---


async def list_global(call: Call) -> Response:
    values = call.management.global_parameters()
    return call.found([{"name": name, "value": values[name]} for name in sorted(values)])


async def show_global(call: Call) -> Response:
    values = call.management.global_parameters()
    name = call.names["name"]
    if name not in values:
        raise not_found()
    return call.found({"value": values[name], "name": name})


async def put_global(call: Call) -> Response:
    body = await call.body(ParameterBody)
    name = call.names["name"]
    check_new_name("parameter name", name)
    known = name in call.management.global_parameters()
    await call.done(call.management.broker.global_parameters.put(name, body.value))
    return changed() if known else created()


async def delete_global(call: Call) -> Response:
    if not await call.done(call.management.broker.global_parameters.clear(call.names["name"])):
        raise not_found()
    return changed()


_COMPONENT: Final = "/parameters/{component}"
_ONE: Final = f"{_COMPONENT}/{{vhost}}/{{name}}"
_GLOBAL: Final = "/global-parameters/{name}"

ROUTES: Final = (
    Route("GET", "/parameters", READ_PARAMETERS, list_all, answer=list[ParameterAnswer]),
    Route("GET", _COMPONENT, READ_PARAMETERS, list_component, answer=list[ParameterAnswer]),
    Route(
        "GET",
        f"{_COMPONENT}/{{vhost}}",
        READ_PARAMETERS,
        list_in_vhost,
        answer=list[ParameterAnswer],
    ),
    Route("GET", _ONE, CHANGE_POLICIES, show_parameter, answer=ParameterAnswer),
    Route("PUT", _ONE, ADMINISTER, put_parameter, body=ParameterBody),
    Route("DELETE", _ONE, ADMINISTER, delete_parameter),
    Route(
        "GET",
        "/global-parameters",
        READ_PARAMETERS,
        list_global,
        answer=list[GlobalParameterAnswer],
    ),
    Route("GET", _GLOBAL, READ_PARAMETERS, show_global, answer=GlobalParameterAnswer),
    Route("PUT", _GLOBAL, CHANGE_GLOBAL_PARAMETERS, put_global, body=ParameterBody),
    Route("DELETE", _GLOBAL, CHANGE_GLOBAL_PARAMETERS, delete_global),
)
