"""A stand-in for `curl` on machines without it: the options that the documentation uses, and no others.

Runs as a program: `python curl.py [-i] [-X METHOD] [-H HEADER]… [-d BODY] URL`.
"""

import argparse
import http.client
import sys
from urllib.parse import urlsplit


def main() -> int:
    options = _parser().parse_args()
    url = urlsplit(options.url)
    method = options.request or ("GET" if options.data is None else "POST")
    headers = dict(line.split(": ", 1) for line in options.header)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=30)
    connection.request(method, f"{url.path}?{url.query}" if url.query else url.path, options.data, headers)
    answer = connection.getresponse()
    out = sys.stdout.buffer
    if options.include:
        out.write(f"HTTP/1.1 {answer.status} {answer.reason}\r\n".encode())
        out.writelines(f"{name}: {value}\r\n".encode() for name, value in answer.getheaders())
        out.write(b"\r\n")
    out.write(answer.read())
    connection.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("-i", dest="include", action="store_true")
    parser.add_argument("-s", dest="silent", action="store_true")
    parser.add_argument("-X", dest="request")
    parser.add_argument("-H", dest="header", action="append", default=[])
    parser.add_argument("-d", dest="data")
    parser.add_argument("url")
    return parser


if __name__ == "__main__":
    sys.exit(main())
