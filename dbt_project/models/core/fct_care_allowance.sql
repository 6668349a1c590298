-- depends_on: {{ ref('int_service__touched') }}
{{ config(
    materialized='incremental',
    meta={'touched': {'by': 'int_service__touched', 'columns': ['episode_key']}},
    indexes=[
        {'columns': ['allowance_key'], 'unique': true},
        {'columns': ['episode_key']},
        {'columns': ['person_key']},
        {'columns': ['period_date_key']},
        {'columns': ['district_code']},
        {'columns': ['delivery_key']}
    ]
) }}
-- One row per contract of care allowance and half-year, with what was paid in it. n_contracts is 1 in the first half-year of a contract.
select
    {{ surrogate_key('allowance', ['episode.episode_key', 'contract.period_start_on']) }} as allowance_key,
    episode.episode_key,
    contract.contract_id,
    contract.period_start_on,
    coalesce(period_day.date_key, -1) as period_date_key,
    contract.start_on,
    coalesce(start_day.date_key, -1) as start_date_key,
    contract.end_on,
    coalesce(end_day.date_key, case when contract.end_on is null then -3 else -1 end) as end_date_key,
    episode.sender_code,
    {{ place_columns('episode') }},
    episode.person_key,
    episode.person_version_key,
    coalesce(service.service_key, -1) as service_key,
    coalesce(end_reason.end_reason_key, case when contract.end_reason_code is null then -3 else -1 end) as end_reason_key,
    contract.delivery_id as delivery_key,
    contract.isee_band_code,
    coalesce(contract.carer_contribution_code = 'S', false) as has_carer_contribution,
    episode.sex_code,
    cast({{ age_on('contract.period_start_on', 'episode.birth_month_on', 'episode.birth_year') }} as smallint) as age_years,
    case when row_number() over (partition by episode.episode_key order by contract.period_start_on) = 1 then 1 else 0 end
        as n_contracts,
    contract.daily_amount_eur,
    cast(coalesce(contract.paid_days, 0) as integer) as paid_days,
    coalesce(contract.paid_amount_eur, 0) as amount_eur
from {{ ref('int_service__episode') }} as episode
inner join {{ ref('stg_smac__contract') }} as contract
    on
        episode.service_family_code = 'SMAC'
        and episode.sender_code = contract.sender_code
        and episode.episode_id = contract.contract_id
{{ place_on('episode', 'contract.period_start_on') }}
left join {{ ref('dim_service') }} as service
    on service.service_code = 'SMAC-' || contract.care_area_code || '-' || contract.care_level_code
left join {{ ref('dim_end_reason') }} as end_reason
    on
        end_reason.service_family_code = 'SMAC'
        and contract.end_reason_code = end_reason.end_reason_code
left join {{ ref('dim_date') }} as period_day
    on contract.period_start_on = period_day.date_on
left join {{ ref('dim_date') }} as start_day
    on contract.start_on = start_day.date_on
left join {{ ref('dim_date') }} as end_day
    on contract.end_on = end_day.date_on
