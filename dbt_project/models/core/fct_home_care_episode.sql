-- depends_on: {{ ref('int_service__touched') }}
{{ config(
    materialized='incremental',
    meta={'touched': {'by': 'int_service__touched', 'columns': ['episode_key']}},
    indexes=[
        {'columns': ['episode_key'], 'unique': true},
        {'columns': ['person_key']},
        {'columns': ['charge_date_key']},
        {'columns': ['district_code']},
        {'columns': ['delivery_key']}
    ]
) }}
-- One row per live taking in charge of home care. care_days are days in charge without suspensions, observed_care_days those of them from
-- the first month that the sender delivered: accesses are known of these alone, so access_days by them is the intensity of care.
with assessment as (
    select distinct on (care.episode_key)
        care.episode_key,
        assessment.cognitive_disorder_code,
        assessment.behavioural_disorder_code
    from {{ ref('int_adi__care') }} as care
    inner join {{ ref('stg_adi1__assessment') }} as assessment
        on
            care.delivery_id = assessment.delivery_id
            and care.record_number = assessment.record_number
    order by care.episode_key, assessment.assessed_on, assessment.assessment_number
)

select
    episode.episode_key,
    care.care_id,
    care.started_on as charged_on,
    coalesce(charge_day.date_key, -1) as charge_date_key,
    care.first_access_on,
    coalesce(access_day.date_key, case when care.first_access_on is null then -3 else -1 end) as first_access_date_key,
    care.closed_on,
    coalesce(closed_day.date_key, case when care.closed_on is null then -3 else -1 end) as closed_date_key,
    episode.sender_code,
    {{ place_columns('episode') }},
    episode.person_key,
    episode.person_version_key,
    episode.service_key,
    episode.end_reason_key,
    {% for area in ['cognitive', 'behavioural'] %}
        case
            when assessment.{{ area }}_disorder_code is null then -1
            else {{ surrogate_key('assessment_level', ["'" ~ area ~ "'", 'assessment.' ~ area ~ '_disorder_code']) }}
        end as {{ area }}_level_key,
    {% endfor %}
    episode.delivery_key,
    care.applicant_type_code,
    episode.sex_code,
    cast({{ age_on('care.started_on', 'episode.birth_month_on', 'episode.birth_year') }} as smallint) as age_years,
    episode.observed_to,
    care.closed_on is null as is_open,
    episode.has_administrative_start,
    episode.has_administrative_end,
    1 as n_home_care_episodes,
    case
        when care.started_on >= episode.observed_from and not episode.has_administrative_start
            then care.first_access_on - care.started_on
    end as wait_days,
    cast({{ days_of('episode.in_charge') }} as integer) as care_days,
    cast({{ days_of(observed('episode', 'in_charge')) }} as integer) as observed_care_days,
    cast({{ days_of('episode.stayed') }} - {{ days_of('episode.in_charge') }} as integer) as suspension_days,
    cast(coalesce(care.access_days, 0) as integer) as access_days,
    cast(coalesce(care.n_accesses, 0) as integer) as n_accesses
from {{ ref('int_service__episode') }} as episode
inner join {{ ref('int_adi__care') }} as care
    on episode.episode_key = care.episode_key
{{ place_on('episode', 'care.started_on') }}
left join assessment
    on episode.episode_key = assessment.episode_key
left join {{ ref('dim_date') }} as charge_day
    on care.started_on = charge_day.date_on
left join {{ ref('dim_date') }} as access_day
    on care.first_access_on = access_day.date_on
left join {{ ref('dim_date') }} as closed_day
    on care.closed_on = closed_day.date_on
