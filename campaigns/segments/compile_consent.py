from __future__ import annotations

from campaigns.segments import predicates
from campaigns.segments.compile_fields import newest_fulfils
from campaigns.segments.nodes import Consent
from campaigns.segments.scopes import Facts, Scope, has_facts
from campaigns.segments.sql import Sql, bind, negate, sql


def compile_consent(node: Consent, scope: Scope) -> Sql:
    """The newest record about the topic at or before now; of two at the same time the no stands. A record
    without topic speaks for every marketing topic. Blocked addresses play no part: those are no consent."""
    topics = [node.topic, ""] if scope.statement.topics[node.topic] else [node.topic]
    where = [
        sql("r.channel = {}", bind(node.channel, "text")),
        sql("r.topic = ANY({})", bind(topics, "text[]")),
        sql("r.at <= {}", predicates.moment(scope.now)),
    ]
    facts = Facts(Sql("consent_consentrecord r"), where, contact="r.contact_id")
    # A yes that waits to be confirmed has said nothing yet.
    where.append(Sql("r.state <> 'PENDING'"))
    facts = Facts(facts.source, where, contact="r.contact_id")
    if node.state == "unknown":
        return negate(has_facts(scope, facts))
    facts = Facts(facts.source, [*where, Sql("r.contact_id IS NOT NULL")], contact="r.contact_id")
    test = sql("r.state = {}", bind(node.state.upper(), "text"))
    return newest_fulfils(scope, facts, newest_first="r.at DESC, r.state DESC, r.id DESC", test=test)
