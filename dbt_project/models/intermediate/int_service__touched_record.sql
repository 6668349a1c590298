{{ config(materialized='table', indexes=[{'columns': ['episode_key'], 'unique': true}]) }}
-- One row per episode of a service that new deliveries wrote or whose person identity has moved, with the first day that may differ.
with moved_ref as (
    select person_ref
    from {{ source('raw', 'identity__person') }}
    where {{ in_new_identities('moved_seq') }}
),

touched as (
    {{ touched_records('FAR', 'far1__admission', 'admission_id') }}
    union all
    {{ touched_periods(
        'FAR', 'far2__period', 'admission_id', 'quarter',
        [
            ('tariff', 'tariff_from_on'), ('suspension', 'suspended_from_on'), ('assessment', 'assessed_on'),
            ('discharge', 'discharged_on - 1')
        ]
    ) }}
    union all
    {{ touched_records('ADI', 'adi1__taking_in_charge', 'care_id') }}
    union all
    {{ touched_periods(
        'ADI', 'adi2__care', 'care_id', 'month',
        [
            ('access', 'access_on'), ('suspension', 'suspended_from_on'), ('reassessment', 'reassessed_on'),
            ('closure', 'closed_on')
        ]
    ) }}
    union all
    {{ touched_records('SMAC', 'smac__contract', 'contract_id') }}
    union all
    {{ touched_records('SISAM', 'sisam__case', 'case_id') }}
    union all
    -- An open case stays in charge for as long as its sender delivers.
    select
        'SISAM',
        open_case.sender_code,
        open_case.case_id,
        observed.observed_to_before + 1
    from {{ ref('int_service__observed') }} as observed
    inner join {{ ref('stg_sisam__case') }} as open_case
        on observed.sender_code = open_case.sender_code
    where
        observed.service_family_code = 'SISAM'
        and observed.observed_to > observed.observed_to_before
        and open_case.taking_in_charge_on is not null
        and open_case.closed_on is null
)

select
    {{ surrogate_key('episode', ['service_family_code', 'sender_code', 'episode_id']) }} as episode_key,
    service_family_code,
    sender_code,
    episode_id,
    min(touched_from) as touched_from
from touched
group by service_family_code, sender_code, episode_id
