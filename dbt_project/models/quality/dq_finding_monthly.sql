{{ config(indexes=[{'columns': ['flow_code', 'sender_code', 'month_on', 'rule_code'], 'unique': true}]) }}
-- One row per flow, sender, month of competence and rule that found something. Files whose names say no flow, sender or period are
-- counted under the unknown members, -1 and 1900-01-01.
select
    delivery.flow_code,
    delivery.sender_code,
    coalesce(cast(date_trunc('month', delivery.period_start_on) as date), date '1900-01-01') as month_on,
    finding.rule_code,
    min(finding.grade) as grade,
    min(rule.sentence_it) as sentence_it,
    count(*) as n_findings,
    count(distinct row(finding.delivery_id, finding.record_number)) as n_records
from {{ source('landing', 'finding') }} as finding
inner join {{ ref('stg_landing__delivery') }} as delivery
    on finding.delivery_id = delivery.delivery_id
left join {{ source('landing', 'rule') }} as rule
    on finding.rule_code = rule.rule_code
group by 1, 2, 3, 4
