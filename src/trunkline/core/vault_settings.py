"""The settings of the vault: by which keys businesses' own keys are sealed."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode

from trunkline.core.vault import read_key


class VaultSettings(BaseSettings):
    """Read as part of `Settings`."""

    vault_key: SecretStr | None = Field(
        None, description="Seals businesses' keys; kept in the home folder if unset"
    )
    vault_old_keys: Annotated[tuple[SecretStr, ...] | None, NoDecode] = Field(
        None, description="Open what was sealed before VAULT_KEY was changed"
    )

    @field_validator("vault_key")
    @classmethod
    def _is_of_the_vault(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            read_key(value.get_secret_value())
        return value

    @field_validator("vault_old_keys", mode="before")
    @classmethod
    def _are_of_the_vault(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        names = [name.strip() for name in value.split(",") if name.strip()]
        for name in names:
            read_key(name)
        return tuple(SecretStr(name) for name in names)
