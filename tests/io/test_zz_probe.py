from tests.support.serve import Serve
from tests.properties.test_http_fuzz import FAIR
def test_it(serve):
    api = serve(FAIR, db_schemas="fair", db_tx_end="rollback", db_aggregates_enabled=True)
    q="/fruit?select=details,name,tags-%3E0,details-%3Ea-%3Eb,markets(town,id)&markets.order=id.desc&markets=not.is.null&offset={}&limit={}&markets.id=gte.48272&not.or=(season.is.not_null)&order=name.asc.nullsfirst,price.nullslast"
    for o,l in [(2,0),(2,1),(2,0),(0,0),(2,0),(0,1),(2,0),(3,0),(2,0)]*2:
        r=api.get(q.format(o,l)); print(o,l,r.status,r.text[:90],r.headers["content-range"])
    assert 0
