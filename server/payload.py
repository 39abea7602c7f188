"""What all JSON bodies share: no field more than is documented, none that changes."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Payload(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def example(**document: Any) -> ConfigDict:
    """Show a document in the API's description, as the ``model_config`` of its model."""
    return ConfigDict(json_schema_extra={"examples": [document]})
