{{ config(materialized='table', indexes=[{'columns': ['episode_key'], 'unique': true}]) }}
-- One row per live case of a minor that this build writes again. An open one is in charge for as long as its sender delivers.
with touched as (
    {{ touched_episodes('SISAM') }}
),

known as (
    select
        touched.episode_key,
        touched.touched_from,
        minor.sender_code,
        minor.case_id,
        minor.report_on,
        minor.reporter_type_code,
        minor.report_reason_code,
        minor.taking_in_charge_on,
        minor.intervention_code,
        minor.court_measure_code,
        minor.identifier_type_code,
        minor.person_ref,
        minor.sex_code,
        minor.birth_year,
        minor.residence_comune_code,
        minor.closed_on,
        minor.closure_reason_code,
        minor.delivery_id,
        coalesce(minor.closed_on, observed.observed_to) as observed_to
    from touched
    inner join {{ ref('stg_sisam__case') }} as minor
        on
            touched.sender_code = minor.sender_code
            and touched.episode_id = minor.case_id
    left join {{ ref('int_service__observed') }} as observed
        on
            observed.service_family_code = 'SISAM'
            and minor.sender_code = observed.sender_code
)

select
    known.*,
    case
        when known.taking_in_charge_on is null then '{}'::datemultirange
        else datemultirange(
            daterange(known.taking_in_charge_on, greatest(known.taking_in_charge_on, known.observed_to), '[]')
        )
    end as stayed
from known
