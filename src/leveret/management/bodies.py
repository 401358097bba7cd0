"""Members of bodies that are checked by hand, because what is wrong with them is said in RabbitMQ's
words: of any type when they are read, and of these in the API's description."""

from typing import Annotated, Any

import msgspec

Text = Annotated[Any, msgspec.Meta(extra_json_schema={"type": "string"})]
Number = Annotated[Any, msgspec.Meta(extra_json_schema={"type": "integer", "minimum": 0})]
Object = Annotated[Any, msgspec.Meta(extra_json_schema={"type": "object"})]
Texts = Annotated[
    Any, msgspec.Meta(extra_json_schema={"type": "array", "items": {"type": "string"}})
]
