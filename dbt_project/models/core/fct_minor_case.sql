-- depends_on: {{ ref('int_service__touched') }}
{{ config(
    materialized='incremental',
    meta={'touched': {'by': 'int_service__touched', 'columns': ['episode_key']}},
    indexes=[
        {'columns': ['episode_key'], 'unique': true},
        {'columns': ['person_key']},
        {'columns': ['report_date_key']},
        {'columns': ['district_code']},
        {'columns': ['delivery_key']}
    ]
) }}
-- One row per live case of a minor: report, taking in charge, closure.
select
    episode.episode_key,
    minor.case_id,
    minor.report_on,
    coalesce(report_day.date_key, -1) as report_date_key,
    minor.taking_in_charge_on as charged_on,
    coalesce(charge_day.date_key, case when minor.taking_in_charge_on is null then -3 else -1 end) as charge_date_key,
    minor.closed_on,
    coalesce(closed_day.date_key, case when minor.closed_on is null then -3 else -1 end) as closed_date_key,
    episode.sender_code,
    {{ place_columns('episode') }},
    episode.person_key,
    episode.person_version_key,
    episode.service_key,
    episode.end_reason_key,
    coalesce(reporter_type.reporter_type_key, -1) as reporter_type_key,
    coalesce(reason.report_reason_key, -1) as report_reason_key,
    episode.delivery_key,
    coalesce(minor.court_measure_code = 'S', false) as has_court_measure,
    episode.sex_code,
    cast({{ age_on('minor.report_on', 'episode.birth_month_on', 'episode.birth_year') }} as smallint) as age_years,
    minor.taking_in_charge_on is not null and minor.closed_on is null as is_open,
    1 as n_cases,
    minor.taking_in_charge_on - minor.report_on as wait_days,
    cast({{ days_of('episode.in_charge') }} as integer) as care_days
from {{ ref('int_service__episode') }} as episode
inner join {{ ref('int_sisam__case') }} as minor
    on episode.episode_key = minor.episode_key
{{ place_on('episode', 'minor.report_on') }}
left join {{ ref('dim_reporter_type') }} as reporter_type
    on minor.reporter_type_code = reporter_type.reporter_type_code
left join {{ ref('dim_report_reason') }} as reason
    on minor.report_reason_code = reason.report_reason_code
left join {{ ref('dim_date') }} as report_day
    on minor.report_on = report_day.date_on
left join {{ ref('dim_date') }} as charge_day
    on minor.taking_in_charge_on = charge_day.date_on
left join {{ ref('dim_date') }} as closed_day
    on minor.closed_on = closed_day.date_on
