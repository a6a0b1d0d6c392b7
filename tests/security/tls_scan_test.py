#!/usr/bin/python3
"""sslscan and testssl.sh look at the three ports that speak TLS: training,
enrolment, dashboard. TLS 1.3 alone is offered, no known hole is found."""
import json
import subprocess
import xml.etree.ElementTree

from federation import BIN, Federation, Table, need, wait_for

# What testssl.sh says of every private authority (it is in no public store, its
# lists of revoked certificates are files and not addresses) and of every page
# that is sent compressed (BREACH needs a page that holds a secret and repeats
# what a visitor says; the dashboard's holds and does neither).
EXPECTED = {"cert_chain_of_trust", "cert_revocation", "DNS_CAArecord", "HSTS",
            "BREACH"}
# A check that testssl.sh itself could not make is a WARN.
FINDINGS = {"LOW", "MEDIUM", "HIGH", "CRITICAL"}


def sslscan(port):
    """(what is enabled, whether that is right)"""
    done = subprocess.run(["sslscan", "--xml=-", f"localhost:{port}"],
                          capture_output=True, text=True, check=True)
    scan = xml.etree.ElementTree.fromstring(done.stdout)
    protocols = {f"{p.get('type').upper()} {p.get('version')}"
                 for p in scan.iter("protocol") if p.get("enabled") == "1"}
    ciphers = {c.get("cipher") for c in scan.iter("cipher")}
    good = (protocols == {"TLS 1.3"} and ciphers != set() and
            all(c.startswith("TLS_") for c in ciphers))
    return f"{', '.join(sorted(protocols))}; {len(ciphers)} suites", good


def testssl(port, work):
    report = work / f"testssl-{port}.json"
    subprocess.run(["testssl", "--quiet", "--color", "0", "--warnings", "off",
                    "--jsonfile", report, "--protocols", "--server-defaults",
                    "--vulnerable", f"localhost:{port}"],
                   capture_output=True, check=False)
    checks = json.loads(report.read_text())
    found = [check for check in checks
             if check["severity"] in FINDINGS and
             check["id"].split()[0] not in EXPECTED]
    protocols = {c["id"]: c["finding"] for c in checks}
    good = (not found and protocols["TLS1_2"].startswith("not offered") and
            protocols["TLS1_3"].startswith("offered"))
    if found:
        return "; ".join(f"{c['id']}: {c['finding']}" for c in found), good
    return f"{len(checks)} checks, no finding", good


def main():
    need(programs=["sslscan", "testssl"])
    table = Table("port", "tool", "result")
    with Federation() as federation:
        # Beyond this machine's own addresses the dashboard speaks HTTPS.
        server = federation.start_server("--dashboard", "0.0.0.0:0")
        dashboard = wait_for("the dashboard's address", lambda: [
            line.rsplit(":", 1)[1].split("/")[0]
            for line in server.log.read_text().splitlines()
            if "dashboard: https://" in line])[0]
        federation.start("enrolment", BIN / "fedgap", "certs", "serve",
                         federation.work / "ca", "--listen", "127.0.0.1:0",
                         "--port-file", federation.work / "enrolment.port")
        ports = {"training": federation.port,
                 "enrolment": federation.port_in(
                     federation.work / "enrolment.port"),
                 "dashboard": dashboard}
        for name, port in ports.items():
            result, good = sslscan(port)
            table.add(name, "sslscan", result, good=good)
            result, good = testssl(port, federation.work)
            table.add(name, "testssl.sh", result, good=good)
    table.end()


if __name__ == "__main__":
    main()
