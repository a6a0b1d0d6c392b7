#!/usr/bin/python3
"""Another gRPC library (Python's grpcio) calls the server with every kind of
certificate that it must not believe, and with those that it must; the sites'
run ends in the model of the run that nobody disturbed."""
import json

from federation import BIN, Federation, Table, crafted_bundle, need, run

JOIN = "/fedgap.v1.Federation/Join"
FETCH = "/fedgap.v1.Federation/FetchModel"
STATUS = "/fedgap.v1.Admin/Status"
STOP = "/fedgap.v1.Admin/Stop"
# protocol_version = 2, probe = true: what a client would be told.
LOOK = b"\x08\x02\x30\x01"
CALL_SECONDS = 20


class Caller:
    def __init__(self, federation):
        self.target = f"localhost:{federation.port}"
        self.roots = (federation.work / "ca/ca.pem").read_bytes()

    def call(self, pem, method, message=b"", metadata=(), tls=True):
        """The code and the words that the call ends with."""
        import grpc
        if tls:
            credentials = grpc.ssl_channel_credentials(
                self.roots, pem, pem)
            channel = grpc.secure_channel(self.target, credentials)
        else:
            channel = grpc.insecure_channel(self.target)
        with channel:
            try:
                channel.unary_unary(method)(message, timeout=CALL_SECONDS,
                                            metadata=metadata)
                return "OK", ""
            except grpc.RpcError as error:
                return error.code().name, error.details()


def bundles(federation):
    """(what it is, PEM of key and chain, code of Join, a word of its message)"""
    from cryptography.x509.oid import ExtendedKeyUsageOID
    other = federation.work / "other"
    run(BIN / "fedgap", "certs", "init", other, "--federation", "test",
        "--server", "server")
    run(BIN / "fedgap", "certs", "issue", other, "--name", "a")
    federation.issue("visitor")
    federation.issue("revoked")
    run(BIN / "fedgap", "certs", "revoke", federation.work / "ca", "revoked")
    federation.issue("root", "--role", "admin")

    def issued(name):
        return (federation.bundle(name) / "identity.pem").read_bytes()

    def crafted(uri="spiffe://fedgap/test/client/visitor", **options):
        return crafted_bundle(federation, "visitor",
                              uris=options.pop("uris", [uri]), **options)

    refused = "UNAVAILABLE"
    denied = "PERMISSION_DENIED"
    return [
        ("a member's", issued("visitor"), "OK", ""),
        ("none", None, refused, ""),
        ("signed by itself", crafted(signed_by=None), refused, ""),
        ("another authority's, same names",
         (other / "a/identity.pem").read_bytes(), refused, ""),
        ("expired", crafted(days=(-2, -1)), refused, ""),
        ("not valid yet", crafted(days=(1, 2)), refused, ""),
        ("for servers", crafted(usage=ExtendedKeyUsageOID.SERVER_AUTH),
         refused, ""),
        ("the server's own",
         (federation.work / "ca/server/identity.pem").read_bytes(), refused,
         ""),
        ("revoked", issued("revoked"), denied, "revoked"),
        ("without an identity", crafted(uris=[]), denied, "identity"),
        ("with two identities",
         crafted(uris=["spiffe://fedgap/test/client/visitor",
                       "spiffe://fedgap/test/client/a"]), denied, ""),
        ("of another federation", crafted("spiffe://fedgap/elsewhere/client/a"),
         denied, "elsewhere"),
        ("of a made-up role", crafted("spiffe://fedgap/test/owner/visitor"),
         denied, ""),
        ("an operator's", issued("root"), denied, "role admin"),
    ]


def main():
    need(modules=["grpc", "cryptography"])
    table = Table("certificate", "call", "answer")
    with Federation() as federation:
        kinds = bundles(federation)
        server = federation.start_server()
        caller = Caller(federation)

        def expect(kind, name, pem, method, code, word="", **options):
            answer, words = caller.call(pem, method, **options)
            table.add(kind, name, answer, good=answer == code and word in words)

        for kind, pem, code, word in kinds:
            expect(kind, "Join", pem, JOIN, code, word, message=LOOK)
        member = kinds[0][1]
        admin = kinds[-1][1]
        denied = "PERMISSION_DENIED"
        for method in ("Status", "Clients", "Pause", "Resume", "Stop", "Kick"):
            expect("a member's", f"Admin.{method}", member,
                   f"/fedgap.v1.Admin/{method}", denied, "role")
        expect("an operator's", "Admin.Status", admin, STATUS, "OK")
        expect("a member's", "Join as client a", member, JOIN, denied, "names a",
               message=LOOK, metadata=(("fedgap-client", "a"),))
        expect("a member's", "of no service", member, "/fedgap.v1.Federation/Own",
               "UNIMPLEMENTED")
        expect("no TLS at all", "Join", None, JOIN, "UNAVAILABLE", tls=False)

        federation.start_clients()
        model = federation.finish()
        table.add("those of the sites", "the run", "the undisturbed model",
                  good=model == federation.undisturbed_model())
        told = [e["message"] for e in federation.events("warning")]
        table.add("", "", f"{len(told)} warnings in the event log",
                  good=any("revoked" in line for line in told))
        del server
    table.end()


if __name__ == "__main__":
    main()
