-- One row per processed delivery, refused ones included: what came, what stayed, how late. The first of a period is due by the first
-- window, those that follow it by the window of corrections.
with delivery as (
    select
        delivery.*,
        {{
            due_on(
                'delivery.period_start_on', 'calendar.period_kind',
                'case when delivery.progressive = 1 then calendar.first_days else calendar.correction_days end'
            )
        }} as due_on,
        sender.ausl_code
    from {{ ref('stg_landing__delivery') }} as delivery
    left join {{ ref('flow_calendar') }} as calendar
        on delivery.flow_code = calendar.flow_code
    left join {{ ref('int_territory__member') }} as sender
        on
            sender.territory_level in ('district', 'ausl')
            and delivery.sender_code = sender.territory_code
            and delivery.period_start_on between sender.valid_from and sender.valid_to
)

select
    delivery_id,
    flow_code,
    sender_code,
    ausl_code,
    period_code,
    period_start_on,
    progressive,
    outcome,
    received_at,
    due_on,
    case when due_on is not null then greatest(0, cast(received_at as date) - due_on) end as days_late,
    records_sent,
    records_accepted,
    records_discarded,
    records_flagged,
    round(100 * cast(records_discarded as numeric) / nullif(records_sent, 0), 2) as discarded_percent
from delivery
