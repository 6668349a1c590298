-- depends_on: {{ ref('int_service__touched') }}
{{ config(
    materialized='incremental',
    meta={'touched': {'by': 'int_service__touched', 'columns': ['episode_key']}},
    indexes=[
        {'columns': ['episode_key'], 'unique': true},
        {'columns': ['person_key']},
        {'columns': ['admission_date_key']},
        {'columns': ['district_code']},
        {'columns': ['delivery_key']}
    ]
) }}
-- One row per live stay in a residential or semi-residential structure. Days and amounts are those known up to observed_to; `observed_…`
-- of them what falls in months from the first that the sender delivered: those before are known only of who was still there.
with month as (
    select
        episode_key,
    {% for measure in ['presence_days', 'health_amount_eur', 'user_amount_eur', 'municipal_amount_eur'] %}
        sum({{ measure }}) as {{ measure }},
        sum({{ measure }}) filter (where is_observed) as observed_{{ measure }}{{ ',' if not loop.last }}
    {% endfor %}
    from {{ ref('int_far__stay_month') }}
    group by episode_key
),

-- The need at the admission: the first assessment of its record.
assessment as (
    select distinct on (stay.episode_key)
        stay.episode_key,
        assessment.*
    from {{ ref('int_far__stay') }} as stay
    inner join {{ ref('stg_far1__assessment') }} as assessment
        on
            stay.delivery_id = assessment.delivery_id
            and stay.record_number = assessment.record_number
    order by stay.episode_key, assessment.assessed_on, assessment.assessment_number
)

select
    episode.episode_key,
    stay.admission_id,
    stay.admission_on,
    coalesce(admission_day.date_key, -1) as admission_date_key,
    stay.discharged_on,
    coalesce(discharge_day.date_key, case when stay.discharged_on is null then -3 else -1 end) as discharged_date_key,
    episode.sender_code,
    {{ place_columns('episode') }},
    case
        when stay.facility_code is null then -1
        else {{ surrogate_key('facility', ['episode.sender_code', 'stay.facility_code']) }}
    end as facility_key,
    episode.person_key,
    episode.person_version_key,
    episode.service_key,
    episode.end_reason_key,
    {% for area in ['mobility', 'functional', 'cognitive', 'behavioural', 'social', 'financial'] %}
        case
            when assessment.{{ area }}_level_code is null then -1
            else {{ surrogate_key('assessment_level', ["'" ~ area ~ "'", 'assessment.' ~ area ~ '_level_code']) }}
        end as {{ area }}_level_key,
    {% endfor %}
    episode.delivery_key,
    stay.origin_type_code,
    stay.applicant_type_code,
    episode.sex_code,
    cast({{ age_on('stay.admission_on', 'episode.birth_month_on', 'episode.birth_year') }} as smallint) as age_years,
    episode.observed_to,
    stay.discharged_on is null as is_open,
    episode.has_administrative_start,
    episode.has_administrative_end,
    1 as n_stays,
    cast({{ days_of('episode.stayed') }} as integer) as stay_days,
    cast({{ days_of(observed('episode', 'stayed')) }} as integer) as observed_stay_days,
    cast({{ days_of('episode.stayed') }} - {{ days_of('episode.in_charge') }} as integer) as suspension_days,
{% for part in ['', 'observed_'] %}
    coalesce(month.{{ part }}presence_days, 0) as {{ part }}presence_days,
    coalesce(month.{{ part }}health_amount_eur, 0) as {{ part }}health_amount_eur,
    coalesce(month.{{ part }}user_amount_eur, 0) as {{ part }}user_amount_eur,
    coalesce(month.{{ part }}municipal_amount_eur, 0) as {{ part }}municipal_amount_eur,
    coalesce(month.{{ part }}health_amount_eur + month.{{ part }}user_amount_eur + month.{{ part }}municipal_amount_eur, 0)
        as {{ part }}amount_eur{{ ',' if not loop.last }}
{% endfor %}
from {{ ref('int_service__episode') }} as episode
inner join {{ ref('int_far__stay') }} as stay
    on episode.episode_key = stay.episode_key
{{ place_on('episode', 'stay.admission_on') }}
left join assessment
    on episode.episode_key = assessment.episode_key
left join month
    on episode.episode_key = month.episode_key
left join {{ ref('dim_date') }} as admission_day
    on stay.admission_on = admission_day.date_on
left join {{ ref('dim_date') }} as discharge_day
    on stay.discharged_on = discharge_day.date_on
