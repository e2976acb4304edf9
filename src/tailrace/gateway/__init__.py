"""Many Data APIs in one process, behind one HTTP server.

gateway = Gateway(GatewayOptions(connections=200))
gateway.add(ApiSpec("ep-x/neondb", (Route(path="/neondb/rest/v1", host="ep-x.apirest"),), config))
server = await open_server(gateway, listen(Address("127.0.0.1", 8000)))
"""

from tailrace.gateway.admin import answer_admin
from tailrace.gateway.gateway import Gateway, GatewayOptions
from tailrace.gateway.route import ApiSpec, Route
from tailrace.gateway.server import GatewayServer, open_server

__all__ = ["ApiSpec", "Gateway", "GatewayOptions", "GatewayServer", "Route", "answer_admin", "open_server"]
