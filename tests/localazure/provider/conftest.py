"""The real catalogue, and a provider behind a real gRPC channel, on a small ARM in memory."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import grpc
import httpx
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from localazure.provider.catalogue import Catalogue
from localazure.provider.introspect import document
from localazure.provider.servicer import Provider
from localazure.provider.session import AzureSession
from localazure.provider.wire import decode, encode
from tests.localazure.provider.fake_arm import HOST, FakeArm

Inputs = dict[str, Any]


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """Made from the installed SDK, as an installation does it."""
    return Catalogue(document(version("pulumi-azure-native")))


@pytest.fixture
def arm() -> FakeArm:
    return FakeArm()


@dataclass
class Engine:
    """Speaks to the provider as the engine does, on plain dicts. Types are written `web:WebApp`."""

    stub: provider_pb2_grpc.ResourceProviderStub

    def configure(self, **config: str) -> None:
        self.stub.Configure(provider_pb2.ConfigureRequest(args=encode(config)))

    def check(self, kind: str, news: Inputs, olds: Inputs | None = None, **more: Any) -> provider_pb2.CheckResponse:
        request = provider_pb2.CheckRequest(urn=urn(kind), news=encode(news), olds=encode(olds or {}), **more)
        answer: provider_pb2.CheckResponse = self.stub.Check(request)
        return answer

    def checked(self, kind: str, news: Inputs, olds: Inputs | None = None) -> Inputs:
        answer = self.check(kind, news, olds, randomSeed=b"seed")
        assert not answer.failures
        return decode(answer.inputs)

    def diff(self, kind: str, olds: Inputs, news: Inputs) -> provider_pb2.DiffResponse:
        request = provider_pb2.DiffRequest(urn=urn(kind), old_inputs=encode(olds), news=encode(news))
        answer: provider_pb2.DiffResponse = self.stub.Diff(request)
        return answer

    def create(self, kind: str, inputs: Inputs, preview: bool = False) -> tuple[str, Inputs]:
        request = provider_pb2.CreateRequest(urn=urn(kind), properties=encode(inputs), preview=preview)
        answer = self.stub.Create(request)
        return answer.id, decode(answer.properties)

    def read(
        self, kind: str, resource_id: str, inputs: Inputs | None = None, outputs: Inputs | None = None
    ) -> tuple[str, Inputs, Inputs]:
        """The id, the inputs and the outputs."""
        request = provider_pb2.ReadRequest(
            urn=urn(kind), id=resource_id, inputs=encode(inputs or {}), properties=encode(outputs or {})
        )
        answer = self.stub.Read(request)
        return answer.id, decode(answer.inputs), decode(answer.properties)

    def update(self, kind: str, resource_id: str, olds: Inputs, news: Inputs, preview: bool = False) -> Inputs:
        request = provider_pb2.UpdateRequest(
            urn=urn(kind), id=resource_id, olds=encode(olds), news=encode(news), preview=preview
        )
        return decode(self.stub.Update(request).properties)

    def delete(self, kind: str, resource_id: str) -> None:
        self.stub.Delete(provider_pb2.DeleteRequest(urn=urn(kind), id=resource_id))

    def invoke(self, token: str, arguments: Inputs) -> Inputs:
        answer = self.stub.Invoke(provider_pb2.InvokeRequest(tok=f"azure-native:{token}", args=encode(arguments)))
        return decode(getattr(answer, "return"))


def urn(kind: str, name: str = "thing") -> str:
    return f"urn:pulumi:dev::project::some:Parent$azure-native:{kind}::{name}"


@pytest.fixture
def unconfigured(catalogue: Catalogue, arm: FakeArm) -> Iterator[Engine]:
    connect = functools.partial(AzureSession, transport=httpx.MockTransport(arm))
    server = grpc.server(ThreadPoolExecutor(4))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Provider(catalogue, connect, {}), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Engine(provider_pb2_grpc.ResourceProviderStub(channel))
    server.stop(grace=None).wait()


@pytest.fixture
def engine(unconfigured: Engine) -> Engine:
    unconfigured.configure(metadataHost=HOST)
    return unconfigured
