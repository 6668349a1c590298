{{ config(materialized='table', indexes=[{'columns': ['episode_key'], 'unique': true}], post_hook='analyze {{ this }}') }}
-- One row per episode of a service that new deliveries wrote or whose person identity has moved, with the first day that may differ.
with moved_ref as (
    select person_ref
    from {{ source('raw', 'identity__person') }}
    where {{ in_new_identities('changed_seq') }}
),

-- A month or quarter that follows others of a known episode changes nothing before their last day and the dates that it
-- brings; anything else may change everything.
far as (
    select
        sender_code,
        admission_id,
        date '1900-01-01' as touched_from
    from {{ source('raw', 'far1__admission') }}
    where
        {{ in_new_deliveries('delivery_id') }}
        or person_ref in (
            select moved_ref.person_ref
            from moved_ref
        )
    union all
    select
        period.sender_code,
        period.admission_id,
        case
            when period.operation = 'I' and before.is_plain then least(before.last_on, tariff.first_on, suspension.first_on)
            else date '1900-01-01'
        end
    from {{ source('raw', 'far2__period') }} as period
    left join lateral (
        select min(tariff.tariff_from_on) as first_on
        from {{ source('raw', 'far2__tariff') }} as tariff
        where
            period.delivery_id = tariff.delivery_id
            and period.record_number = tariff.record_number
    ) as tariff on true
    left join lateral (
        select min(suspension.suspended_from_on) as first_on
        from {{ source('raw', 'far2__suspension') }} as suspension
        where
            period.delivery_id = suspension.delivery_id
            and period.record_number = suspension.record_number
    ) as suspension on true
    left join lateral (
        select
            bool_and(before.operation = 'I') as is_plain,
            cast(max(before.period_start_on) + interval '3 months' as date) - 1 as last_on
        from {{ source('raw', 'far2__period') }} as before
        where
            period.sender_code = before.sender_code
            and period.admission_id = before.admission_id
            and before.delivery_id < period.delivery_id
            and before.period_start_on < period.period_start_on
    ) as before on true
    where {{ in_new_deliveries('period.delivery_id') }}
),

adi as (
    select
        sender_code,
        care_id,
        date '1900-01-01' as touched_from
    from {{ source('raw', 'adi1__taking_in_charge') }}
    where
        {{ in_new_deliveries('delivery_id') }}
        or person_ref in (
            select moved_ref.person_ref
            from moved_ref
        )
    union all
    select
        care.sender_code,
        care.care_id,
        case
            when care.operation = 'I' and before.is_plain then least(before.last_on, access.first_on, suspension.first_on)
            else date '1900-01-01'
        end
    from {{ source('raw', 'adi2__care') }} as care
    left join lateral (
        select min(access.access_on) as first_on
        from {{ source('raw', 'adi2__access') }} as access
        where
            care.delivery_id = access.delivery_id
            and care.record_number = access.record_number
    ) as access on true
    left join lateral (
        select min(suspension.suspended_from_on) as first_on
        from {{ source('raw', 'adi2__suspension') }} as suspension
        where
            care.delivery_id = suspension.delivery_id
            and care.record_number = suspension.record_number
    ) as suspension on true
    left join lateral (
        select
            bool_and(before.operation = 'I') as is_plain,
            cast(max(before.period_start_on) + interval '1 month' as date) - 1 as last_on
        from {{ source('raw', 'adi2__care') }} as before
        where
            care.sender_code = before.sender_code
            and care.care_id = before.care_id
            and before.delivery_id < care.delivery_id
            and before.period_start_on < care.period_start_on
    ) as before on true
    where {{ in_new_deliveries('care.delivery_id') }}
),

touched as (
    select
        'FAR' as service_family_code,
        sender_code,
        admission_id as episode_id,
        touched_from
    from far
    union all
    select
        'ADI',
        sender_code,
        care_id,
        touched_from
    from adi
    union all
    select
        'SMAC',
        sender_code,
        contract_id,
        date '1900-01-01'
    from {{ source('raw', 'smac__contract') }}
    where
        {{ in_new_deliveries('delivery_id') }}
        or person_ref in (
            select moved_ref.person_ref
            from moved_ref
        )
    union all
    select
        'SISAM',
        sender_code,
        case_id,
        date '1900-01-01'
    from {{ source('raw', 'sisam__case') }}
    where
        {{ in_new_deliveries('delivery_id') }}
        or person_ref in (
            select moved_ref.person_ref
            from moved_ref
        )
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
