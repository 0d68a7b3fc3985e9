"""PURE: what machines report over REST, as models; the OpenAPI document is made from them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from hub_extensions.measured.figures import Measured
from hub_extensions.shares_api.operation import Body, Operation, Parameter

#: A year in seconds; more cores, bytes or GPUs than any machine has.
Seconds = Annotated[float, Field(ge=0, le=366 * 86400 * 10_000, allow_inf_nan=False)]
Cores = Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]
Bytes = Annotated[float, Field(ge=0, le=2**53, allow_inf_nan=False)]
Count = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class ReportedFigures(BaseModel):
    """Counted from the beginning of the process that reports, and only growing: a report that is lost or comes twice
    does no harm. What a newer image sends besides is left out."""

    model_config = ConfigDict(extra="ignore", strict=True)

    covered_s: Seconds = Field(description="How long it was measured.")
    cpu_s: Seconds = Field(description="CPU time in that.")
    peak_cores: Cores = Field(default=0, description="Most cores between two looks.")
    sustained_cores: Cores = Field(default=0, description="Most cores over a minute.")
    memory_peak: Bytes = Field(description="Most memory, in bytes, without what the system could take back at once.")
    gpus: Count = Field(default=0, description="GPUs that it sees.")
    gpu_busy_s: Seconds = Field(default=0, description="Time in which they were busy, added up.")
    gpu_peak: Share = Field(default=0, description="Busiest: 0 to 1.")
    gpu_memory_peak: Bytes = Field(default=0, description="Most of their memory, in bytes, added up.")
    gpu_covered_s: Seconds = Field(default=0, description="How long they said how busy they are.")

    def measured(self) -> Measured:
        return Measured(
            covered_ms=round(self.covered_s * 1000),
            cpu_ms=round(self.cpu_s * 1000),
            peak_millicores=round(self.peak_cores * 1000),
            sustained_millicores=round(self.sustained_cores * 1000),
            memory_peak=round(self.memory_peak),
            gpus=round(self.gpus),
            gpu_busy_ms=round(self.gpu_busy_s * 1000),
            gpu_peak_percent=round(self.gpu_peak * 100),
            gpu_memory_peak=round(self.gpu_memory_peak),
            gpu_covered_ms=round(self.gpu_covered_s * 1000),
        )


class MachineReport(Body):
    """What a machine used so far."""

    lease: str = Field(min_length=1, max_length=200, description="The id of its start, as `REMUDA_MACHINE` has it.")
    run: str = Field(pattern="^[0-9A-Za-z_-]{1,64}$", description="Made up by the process that measures; its own.")
    figures: ReportedFigures


_SUMMARY = "Say what a machine used so far; its own server does, every minute"
_SCOPES = ("`users:activity` of the person, which a server's own token has.",)
_USER = Parameter("user", "Name of the person.", {"type": "string"}, in_path=True)
_SERVER = Parameter("server", "Name of a named server.", {"type": "string"}, in_path=True)
_ERRORS = (400, 403, 404, 409)

API: tuple[Operation, ...] = (
    Operation(
        "/measured/{user}", _SUMMARY, _SCOPES, None, (_USER,), _ERRORS, method="post", body=MachineReport, status=204
    ),
    Operation(
        "/measured/{user}/{server}",
        f"{_SUMMARY} (a named one)",
        _SCOPES,
        None,
        (_USER, _SERVER),
        _ERRORS,
        method="post",
        body=MachineReport,
        status=204,
    ),
)
