{{ config(materialized='table') }}
-- One row per family of services and sender: the first and the last day of what it delivered, now and before this build.
with delivered as (
    select
        family.service_family_code,
        delivery.flow_code,
        delivery.sender_code,
        delivery.period_start_on,
        cast(
            delivery.period_start_on + case calendar.period_kind
                when 'month' then interval '1 month'
                when 'quarter' then interval '3 months'
                else interval '6 months'
            end as date
        ) - 1 as period_end_on,
        delivery.delivery_id > {{ from_delivery_id() }} as is_new
    from {{ ref('stg_landing__delivery') }} as delivery
    inner join {{ ref('flow_calendar') }} as calendar
        on delivery.flow_code = calendar.flow_code
    inner join {{ ref('service_family') }} as family
        on rtrim(delivery.flow_code, '12') = family.service_family_code
    where
        delivery.outcome = 'accepted'
        and delivery.delivery_id <= {{ to_delivery_id() }}
),

flow as (
    select
        service_family_code,
        flow_code,
        sender_code,
        min(period_start_on) as observed_from,
        min(period_start_on) filter (where not is_new) as observed_from_before,
        max(period_end_on) as observed_to,
        max(period_end_on) filter (where not is_new) as observed_to_before
    from delivered
    group by service_family_code, flow_code, sender_code
)

-- Of a flow in two files, what both of them cover.
select
    service_family_code,
    sender_code,
    max(observed_from) as observed_from,
    case when bool_and(observed_from_before is not null) then max(observed_from_before) end as observed_from_before,
    min(observed_to) as observed_to,
    case when bool_and(observed_to_before is not null) then min(observed_to_before) end as observed_to_before
from flow
group by service_family_code, sender_code
