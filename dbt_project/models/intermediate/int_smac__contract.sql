{{ config(materialized='table', indexes=[{'columns': ['episode_key'], 'unique': true}]) }}
-- One row per contract of care allowance that this build writes again: what its newest half-year says.
with touched as (
    {{ touched_episodes('SMAC') }}
),

newest as (
    select distinct on (touched.episode_key)
        touched.episode_key,
        touched.touched_from,
        contract.sender_code,
        contract.contract_id,
        contract.period_start_on,
        contract.care_area_code,
        contract.care_level_code,
        contract.identifier_type_code,
        contract.person_ref,
        contract.sex_code,
        contract.birth_year,
        contract.residence_comune_code,
        contract.start_on,
        contract.end_on,
        contract.end_reason_code,
        contract.delivery_id,
        cast(contract.period_start_on + interval '6 months' as date) - 1 as last_day_on
    from touched
    inner join {{ ref('stg_smac__contract') }} as contract
        on
            touched.sender_code = contract.sender_code
            and touched.episode_id = contract.contract_id
    order by touched.episode_key, contract.period_start_on desc
),

ended as (
    select
        newest.*,
        -- An agreed end that lies after what is known is not an end yet.
        case when newest.end_on <= newest.last_day_on then newest.end_on end as ended_on
    from newest
)

select
    ended.*,
    coalesce(ended.ended_on, ended.last_day_on) as observed_to,
    datemultirange(
        daterange(ended.start_on, greatest(ended.start_on, coalesce(ended.ended_on, ended.last_day_on)), '[]')
    ) as stayed
from ended
