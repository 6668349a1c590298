{{ config(materialized='table', indexes=[{'columns': ['subject_code', 'district_code', 'month_on'], 'unique': true}]) }}
-- One row per subject (the desks, a family of services), district and calendar month of every year in which anybody delivered anything:
-- whether the month lies in the observed span, from the first month that anybody delivered of the subject to the last, and whether the
-- district's came. Of a flow in two files, what both of them cover; what an AUSL sends stands for its districts.
with delivered as (
    select
        coalesce(family.service_family_code, 'IASS') as subject_code,
        delivery.flow_code,
        delivery.sender_code,
        cast(series.month_on as date) as month_on,
        bool_and({{ in_new_deliveries('delivery.delivery_id') }}) as is_new,
        bool_or({{ in_new_deliveries('delivery.delivery_id') }}) as is_delivered_now
    from {{ ref('stg_landing__delivery') }} as delivery
    inner join {{ ref('flow_calendar') }} as calendar
        on delivery.flow_code = calendar.flow_code
    left join {{ ref('service_family') }} as family
        on rtrim(delivery.flow_code, '12') = family.service_family_code
    cross join
        lateral generate_series(
            date_trunc('month', delivery.period_start_on),
            date_trunc('month', delivery.period_start_on)
            + case calendar.period_kind
                when 'quarter' then interval '2 months'
                when 'half_year' then interval '5 months'
                else interval '0'
            end,
            interval '1 month'
        ) as series (month_on)
    where
        delivery.is_received
        and delivery.delivery_id <= {{ to_delivery_id() }}
        and (delivery.flow_code = 'IASS' or family.service_family_code is not null)
    group by 1, 2, 3, 4
),

subject as (
    select
        family.service_family_code as subject_code,
        family.sender_kind,
        count(*) as n_flows
    from {{ ref('service_family') }} as family
    inner join {{ ref('flow_calendar') }} as calendar
        on family.service_family_code = rtrim(calendar.flow_code, '12')
    group by 1, 2
    union all
    select
        'IASS',
        'district',
        1
),

flow_span as (
    select
        subject_code,
        flow_code,
        min(month_on) as first_on,
        max(month_on) as last_on,
        min(month_on) filter (where not is_new) as first_on_before,
        max(month_on) filter (where not is_new) as last_on_before
    from delivered
    group by 1, 2
),

span as (
    select
        subject.subject_code,
        max(flow_span.first_on) as first_on,
        min(flow_span.last_on) as last_on,
        case when count(flow_span.first_on_before) = subject.n_flows then max(flow_span.first_on_before) end as first_on_before,
        case when count(flow_span.first_on_before) = subject.n_flows then min(flow_span.last_on_before) end as last_on_before
    from subject
    inner join flow_span
        on subject.subject_code = flow_span.subject_code
    group by subject.subject_code, subject.n_flows
    having count(*) = subject.n_flows
),

came as (
    select
        delivered.subject_code,
        delivered.sender_code,
        delivered.month_on,
        count(*) = subject.n_flows as is_received,
        bool_or(delivered.is_delivered_now) as is_delivered_now
    from delivered
    inner join subject
        on delivered.subject_code = subject.subject_code
    group by delivered.subject_code, delivered.sender_code, delivered.month_on, subject.n_flows
),

month as (
    select cast(series.month_on as date) as month_on
    from (
        select
            date_trunc('year', min(month_on)) as first_on,
            date_trunc('year', max(month_on)) + interval '11 months' as last_on
        from delivered
    ) as known
    cross join lateral generate_series(known.first_on, known.last_on, interval '1 month') as series (month_on)
)

select
    subject.subject_code,
    month.month_on,
    district.district_code,
    district.ausl_code,
    coalesce(month.month_on between span.first_on and span.last_on, false) as is_observed,
    coalesce(came.is_received, false) as is_received,
    coalesce(month.month_on between span.first_on and span.last_on, false)
    <> coalesce(month.month_on between span.first_on_before and span.last_on_before, false)
    or coalesce(came.is_delivered_now, false) as is_changed
from subject
cross join month
inner join {{ ref('int_territory__member') }} as district
    on
        district.territory_level = 'district'
        and month.month_on between district.valid_from and district.valid_to
left join span
    on subject.subject_code = span.subject_code
left join came
    on
        subject.subject_code = came.subject_code
        and month.month_on = came.month_on
        and case subject.sender_kind when 'ausl' then district.ausl_code else district.territory_code end = came.sender_code
