-- Question: which senders lose most records at the gate, and to which rule?
-- Caveat: deliveries that were refused, or of which no record was loaded, are counted apart. A record may break more than one rule.
with delivery as (
    select
        sender_code,
        count(*) filter (where outcome = 'accepted') as n_accepted_deliveries,
        count(*) filter (where outcome <> 'accepted') as n_refused_deliveries,
        sum(records_sent) as n_sent,
        sum(records_discarded) as n_discarded,
        sum(records_flagged) as n_flagged
    from quality.dq_delivery
    where flow_code = 'IASS'
    group by sender_code
),

most_broken as (
    select distinct on (sender_code)
        sender_code,
        rule_code,
        sentence_it,
        sum(n_records) as n_records
    from quality.dq_finding_monthly
    where
        flow_code = 'IASS'
        and grade = 'SCARTO'
    group by sender_code, rule_code, sentence_it
    order by sender_code, sum(n_records) desc, rule_code
)

select
    delivery.sender_code,
    delivery.n_accepted_deliveries,
    delivery.n_refused_deliveries,
    delivery.n_sent,
    delivery.n_discarded,
    round(100.0 * delivery.n_discarded / nullif(delivery.n_sent, 0), 2) as discarded_percent,
    delivery.n_flagged,
    most_broken.rule_code,
    most_broken.sentence_it
from delivery
left join most_broken
    on delivery.sender_code = most_broken.sender_code
order by discarded_percent desc nulls last, delivery.sender_code;
