{{ config(indexes=[{'columns': ['flow_code', 'sender_code', 'year_number'], 'unique': true}]) }}
-- One row per flow, sender and year of the period: how many periods came within the first window, late or not at all, and what
-- followed them. A period counts when its first delivery was accepted; corrections are the accepted deliveries after it, refused are
-- also those of which nothing was loaded.
with correction as (
    select
        flow_code,
        sender_code,
        extract(year from period_start_on) as year_number,
        count(*) filter (where outcome = 'accepted' and progressive > 1) as n_corrections,
        count(*) filter (where outcome = 'accepted' and progressive > 1 and days_late > 0) as n_corrections_late,
        count(*) filter (where outcome in ('refused', 'nothing_loaded')) as n_refused
    from {{ ref('dq_delivery') }}
    group by 1, 2, 3
),

period as (
    select
        flow_code,
        sender_code,
        min(sender_label) as sender_label,
        max(ausl_code) as ausl_code,
        cast(extract(year from period_start_on) as smallint) as year_number,
        cast(count(*) as integer) as n_periods_expected,
        cast(count(*) filter (where days_late = 0) as integer) as n_periods_on_time,
        cast(count(*) filter (where days_late > 0) as integer) as n_periods_late,
        cast(count(*) filter (where coverage_status = 'silent') as integer) as n_periods_silent,
        cast(percentile_disc(0.5) within group (order by days_late) as integer) as median_days_late,
        max(days_late) as max_days_late
    from {{ ref('dq_coverage') }}
    group by flow_code, sender_code, year_number
)

select
    period.flow_code,
    period.sender_code,
    period.sender_label,
    period.ausl_code,
    period.year_number,
    period.n_periods_expected,
    period.n_periods_on_time,
    period.n_periods_late,
    period.n_periods_silent,
    round(100 * cast(period.n_periods_on_time as numeric) / period.n_periods_expected, 2) as on_time_percent,
    period.median_days_late,
    period.max_days_late,
    cast(coalesce(correction.n_corrections, 0) as integer) as n_corrections,
    cast(coalesce(correction.n_corrections_late, 0) as integer) as n_corrections_late,
    cast(coalesce(correction.n_refused, 0) as integer) as n_refused
from period
left join correction
    on
        period.flow_code = correction.flow_code
        and period.sender_code = correction.sender_code
        and period.year_number = correction.year_number
