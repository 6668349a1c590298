-- One row per flow with a calendar, sender and period that should have been delivered: from the first period that anybody delivered
-- to the last. A flow whose period is a day (the registry) is expected once a month.
with span as (
    select
        calendar.flow_code,
        calendar.sender_kind,
        calendar.period_kind,
        calendar.first_days,
        calendar.correction_days,
        case calendar.period_kind
            when 'quarter' then interval '3 months'
            when 'half_year' then interval '6 months'
            else interval '1 month'
        end as period_length,
        cast(date_trunc('month', min(delivery.period_start_on)) as date) as first_on,
        cast(date_trunc('month', max(delivery.period_start_on)) as date) as last_on
    from {{ ref('flow_calendar') }} as calendar
    inner join {{ ref('stg_landing__delivery') }} as delivery
        on calendar.flow_code = delivery.flow_code
    where
        delivery.is_received
        and calendar.first_days is not null
    group by 1, 2, 3, 4, 5
),

period as (
    select
        span.*,
        cast(series.start_on as date) as period_start_on
    from span
    cross join lateral generate_series(span.first_on, span.last_on, span.period_length) as series (start_on)
)

select
    period.flow_code,
    sender.territory_code as sender_code,
    sender.territory_label as sender_label,
    sender.ausl_code,
    period.period_kind,
    case period.period_kind
        when 'quarter' then to_char(period.period_start_on, 'YYYY-"Q"Q')
        when 'half_year' then to_char(period.period_start_on, 'YYYY-"H"') || (extract(month from period.period_start_on)::integer + 5) / 6
        else to_char(period.period_start_on, 'YYYY-MM')
    end as period_code,
    period.period_start_on,
    {{ due_on('period.period_start_on', 'period.period_kind', 'period.first_days') }} as due_on,
    {{ due_on('period.period_start_on', 'period.period_kind', 'period.correction_days') }} as correction_due_on
from period
inner join {{ ref('int_territory__member') }} as sender
    on
        period.sender_kind = sender.territory_level
        and period.period_start_on between sender.valid_from and sender.valid_to
