"""Pulumi's ResourceProvider protocol, translated to plain inputs and outputs and back."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from threading import Event
from typing import Any, NoReturn, Protocol, TypeVar

import grpc
from google.protobuf import any_pb2, empty_pb2, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from localazure.provider import convert
from localazure.provider.backend import Backend, Session
from localazure.provider.catalogue import PACKAGE, Catalogue, ResourceType
from localazure.provider.check import API_VERSION, check
from localazure.provider.defaults import with_defaults
from localazure.provider.diff import Change, diff
from localazure.provider.drift import drifted, observed
from localazure.provider.errors import PartialFailureError, ProviderError
from localazure.provider.naming import Mode, Proposal
from localazure.provider.schema import schema
from localazure.provider.settings import Settings
from localazure.provider.wire import decode, encode

STABLE = ("name", "location")
"""Outputs that no update changes, so that a preview can tell them (pulumi-azure-native, provider.go, Update)."""

KINDS = {
    Change.ADD: provider_pb2.PropertyDiff.ADD,
    Change.ADD_REPLACE: provider_pb2.PropertyDiff.ADD_REPLACE,
    Change.DELETE: provider_pb2.PropertyDiff.DELETE,
    Change.DELETE_REPLACE: provider_pb2.PropertyDiff.DELETE_REPLACE,
    Change.UPDATE: provider_pb2.PropertyDiff.UPDATE,
    Change.UPDATE_REPLACE: provider_pb2.PropertyDiff.UPDATE_REPLACE,
}

Request = TypeVar("Request")
Response = TypeVar("Response")


class Connect(Protocol):
    def __call__(self, catalogue: Catalogue, settings: Settings, cancelled: Event) -> Session: ...


def _told(
    method: Callable[[Provider, Request, grpc.ServicerContext], Response],
) -> Callable[[Provider, Request, grpc.ServicerContext], Response]:
    """Turns a ProviderError into the status that makes the engine show its text."""

    @functools.wraps(method)
    def telling(provider: Provider, request: Request, context: grpc.ServicerContext) -> Response:
        try:
            return method(provider, request, context)
        except PartialFailureError as error:
            _abort_partially(context, error, getattr(request, "news", None) or getattr(request, "properties", None))
        except ProviderError as error:
            # Of the codes, UNKNOWN and INTERNAL would make the engine call the resource's state unknown.
            _abort(context, grpc.StatusCode.FAILED_PRECONDITION, str(error))

    return telling


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """One provider process; `connect` is called once it is configured, `environment` holds the ARM_* variables."""

    def __init__(self, catalogue: Catalogue, connect: Connect, environment: Mapping[str, str]) -> None:
        self._catalogue = catalogue
        self._connect = connect
        self._environment = environment
        self._cancelled = Event()
        self._settings = Settings.of({}, environment)
        self._session: Session | None = None

    def Handshake(self, request: Any, context: Any) -> provider_pb2.ProviderHandshakeResponse:  # noqa: ARG002, N802
        # Secrets aren't accepted, as with the real provider: the engine marks outputs named as secret inputs.
        return provider_pb2.ProviderHandshakeResponse(supports_autonaming_configuration=True)

    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:  # noqa: ARG002, N802
        return plugin_pb2.PluginInfo(version=self._catalogue.version)

    @_told
    def GetSchema(  # noqa: N802
        self,
        request: provider_pb2.GetSchemaRequest,
        context: grpc.ServicerContext,  # noqa: ARG002
    ) -> provider_pb2.GetSchemaResponse:
        if request.version:
            raise ProviderError(f"unsupported schema version {request.version}")
        return provider_pb2.GetSchemaResponse(schema=schema(self._catalogue))

    def GetMapping(self, request: Any, context: Any) -> provider_pb2.GetMappingResponse:  # noqa: ARG002, N802
        return provider_pb2.GetMappingResponse()

    def GetMappings(self, request: Any, context: Any) -> provider_pb2.GetMappingsResponse:  # noqa: ARG002, N802
        return provider_pb2.GetMappingsResponse()

    def Parameterize(  # noqa: N802
        self, request: provider_pb2.ParameterizeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ParameterizeResponse:
        """A local SDK package of one api-version names it in its tokens already, so nothing is to be remembered."""
        if not request.HasField("value"):
            context.abort(
                grpc.StatusCode.UNIMPLEMENTED, "`pulumi package add` for azure-native needs the real provider."
            )
        return provider_pb2.ParameterizeResponse(name=request.value.name, version=request.value.version)

    def CheckConfig(  # noqa: N802
        self,
        request: provider_pb2.CheckRequest,
        context: grpc.ServicerContext,  # noqa: ARG002
    ) -> provider_pb2.CheckResponse:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> provider_pb2.DiffResponse:  # noqa: ARG002, N802
        return provider_pb2.DiffResponse()

    @_told
    def Configure(  # noqa: N802
        self,
        request: provider_pb2.ConfigureRequest,
        context: grpc.ServicerContext,  # noqa: ARG002
    ) -> provider_pb2.ConfigureResponse:
        prefix = f"{PACKAGE}:config:"
        config = {key.removeprefix(prefix): value for key, value in request.variables.items()}
        config |= {key: value for key, value in decode(request.args).items() if isinstance(value, str)}
        self._settings = Settings.of(config, self._environment)
        self._session = self._connect(self._catalogue, self._settings, self._cancelled)
        return provider_pb2.ConfigureResponse(supportsPreview=True, supports_autonaming_configuration=True)

    @_told
    def Check(  # noqa: N802
        self,
        request: provider_pb2.CheckRequest,
        context: grpc.ServicerContext,  # noqa: ARG002
    ) -> provider_pb2.CheckResponse:
        resource = self._resource(request.urn)
        autonaming = request.autonaming
        proposal = Proposal(Mode(autonaming.mode), autonaming.proposed_name) if request.HasField("autonaming") else None
        inputs = with_defaults(
            resource,
            _logical_name(request.urn),
            request.randomSeed,
            decode(request.news),
            decode(request.olds),
            proposal=proposal,
            location=self._settings.location,
            group_location=lambda group: self._azure.group_location(group),
        )
        failures = [
            provider_pb2.CheckFailure(property=failure.property, reason=failure.reason)
            for failure in check(self._catalogue, resource, inputs)
        ]
        return provider_pb2.CheckResponse(inputs=encode(inputs), failures=failures)

    @_told
    def Diff(  # noqa: N802
        self,
        request: provider_pb2.DiffRequest,
        context: grpc.ServicerContext,  # noqa: ARG002
    ) -> provider_pb2.DiffResponse:
        olds = decode(request.old_inputs)
        if version := decode(request.olds).get(API_VERSION):
            olds.setdefault(API_VERSION, version)
        found = diff(self._catalogue, self._resource(request.urn), olds, decode(request.news))
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if found.changes else provider_pb2.DiffResponse.DIFF_NONE,
            diffs=found.properties,
            replaces=found.replaces,
            deleteBeforeReplace=found.delete_before_replace,
            detailedDiff={
                path: provider_pb2.PropertyDiff(kind=KINDS[change], inputDiff=True)
                for path, change in found.changes.items()
            },
            hasDetailedDiff=True,
        )

    @_told
    def Create(  # noqa: N802
        self,
        request: provider_pb2.CreateRequest,
        context: grpc.ServicerContext,  # noqa: ARG002
    ) -> provider_pb2.CreateResponse:
        resource = self._resource(request.urn)
        inputs = decode(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=encode(convert.preview(self._catalogue, resource, inputs)))
        found = self._backend(resource).create(resource, inputs, request.timeout)
        return provider_pb2.CreateResponse(id=found.id, properties=encode(found.outputs))

    @_told
    def Read(  # noqa: N802
        self,
        request: provider_pb2.ReadRequest,
        context: grpc.ServicerContext,  # noqa: ARG002
    ) -> provider_pb2.ReadResponse:
        resource = self._resource(request.urn)
        if resource.parse_id(request.id) is None:
            raise ProviderError(f"'{request.id}' is not the id of an {resource.token}, which is {resource.path}")
        found = self._backend(resource).read(resource, request.id)
        if found is None:
            return provider_pb2.ReadResponse()
        inputs = self._inputs(resource, request, found.outputs)
        return provider_pb2.ReadResponse(id=found.id, properties=encode(found.outputs), inputs=encode(inputs))

    def _inputs(
        self, resource: ResourceType, request: provider_pb2.ReadRequest, outputs: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The old inputs with what drifted, or on import all that the id and the outputs tell."""
        olds, before = decode(request.inputs), decode(request.properties)
        now = convert.project(self._catalogue, resource.inputs, outputs)
        if olds and before:
            return drifted(olds, convert.project(self._catalogue, resource.inputs, before), now)
        if olds:
            return observed(olds, now)
        named = resource.parse_id(request.id)
        if named is None:
            raise ProviderError(f"'{request.id}' is not the id of an {resource.token}, which is {resource.path}")
        return {**now, **named, **({API_VERSION: resource.api_version} if resource.api_version else {})}

    @_told
    def Update(  # noqa: N802
        self,
        request: provider_pb2.UpdateRequest,
        context: grpc.ServicerContext,  # noqa: ARG002
    ) -> provider_pb2.UpdateResponse:
        resource = self._resource(request.urn)
        inputs = decode(request.news)
        if request.preview:
            olds = decode(request.olds)
            stable = {name: olds[name] for name in STABLE if name in olds and name in resource.outputs}
            outputs = {**convert.preview(self._catalogue, resource, inputs), **stable}
            return provider_pb2.UpdateResponse(properties=encode(outputs))
        found = self._backend(resource).update(resource, request.id, inputs, request.timeout)
        return provider_pb2.UpdateResponse(properties=encode(found.outputs))

    @_told
    def Delete(  # noqa: N802
        self,
        request: provider_pb2.DeleteRequest,
        context: grpc.ServicerContext,  # noqa: ARG002
    ) -> empty_pb2.Empty:
        resource = self._resource(request.urn)
        self._backend(resource).delete(resource, request.id, request.timeout)
        return empty_pb2.Empty()

    @_told
    def Invoke(  # noqa: N802
        self,
        request: provider_pb2.InvokeRequest,
        context: grpc.ServicerContext,  # noqa: ARG002
    ) -> provider_pb2.InvokeResponse:
        function = self._catalogue.function(request.tok)
        response = provider_pb2.InvokeResponse()
        result: struct_pb2.Struct = getattr(response, "return")
        result.CopyFrom(encode(self._azure.call(function, decode(request.args))))
        return response

    def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:  # noqa: ARG002, N802
        self._cancelled.set()
        return empty_pb2.Empty()

    @property
    def _azure(self) -> Session:
        if self._session is None:
            raise ProviderError("The provider is used before it is configured.")
        return self._session

    def _backend(self, resource: ResourceType) -> Backend:
        return self._azure.backend(resource)

    def _resource(self, urn: str) -> ResourceType:
        """The type in `urn:pulumi:stack::project::parent$type::name`."""
        return self._catalogue.resource(urn.split("::")[2].rpartition("$")[2])


def _logical_name(urn: str) -> str:
    return urn.split("::", 3)[3]


def _abort_partially(context: grpc.ServicerContext, error: PartialFailureError, inputs: Any) -> NoReturn:
    """The status that makes the engine keep the resource and mend it in the next run (pulumi_engine.md 3.3)."""
    detail = any_pb2.Any()
    detail.Pack(
        provider_pb2.ErrorResourceInitFailed(
            id=error.resource_id, properties=encode(error.outputs), inputs=inputs, reasons=[str(error)]
        )
    )
    code = grpc.StatusCode.UNKNOWN
    status = status_pb2.Status(code=code.value[0], message=str(error), details=[detail])
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    _abort(context, code, str(error))


def _abort(context: grpc.ServicerContext, code: grpc.StatusCode, message: str) -> NoReturn:
    context.abort(code, message)
    raise AssertionError("abort returned")
