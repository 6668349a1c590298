{{ config(materialized='table', indexes=[{'columns': ['episode_key'], 'unique': true}]) }}
-- One row per episode whose facts this build writes again, from a day on: see docs/decisions/0009.
with registered as (
    -- Everything is touched in a first build anyway, and then this join would be the dearest step of it.
    select
        identity.person_ref,
        touched.changed_on
    from {{ ref('int_person__touched') }} as touched
    inner join {{ source('raw', 'identity__person') }} as identity
        on touched.person_key = identity.person_key
    where
        {{ from_delivery_id() }} > 0
        and touched.changed_on < date '9999-12-31'
),

touched as (
    select
        service_family_code,
        sender_code,
        episode_id,
        touched_from
    from {{ ref('int_service__touched_record') }}
    union all
    select
        'FAR',
        record.sender_code,
        record.admission_id,
        registered.changed_on
    from registered
    inner join {{ source('raw', 'far1__admission') }} as record
        on registered.person_ref = record.person_ref
    union all
    select
        'ADI',
        record.sender_code,
        record.care_id,
        registered.changed_on
    from registered
    inner join {{ source('raw', 'adi1__taking_in_charge') }} as record
        on registered.person_ref = record.person_ref
    union all
    select
        'SMAC',
        record.sender_code,
        record.contract_id,
        registered.changed_on
    from registered
    inner join {{ source('raw', 'smac__contract') }} as record
        on registered.person_ref = record.person_ref
    union all
    select
        'SISAM',
        record.sender_code,
        record.case_id,
        registered.changed_on
    from registered
    inner join {{ source('raw', 'sisam__case') }} as record
        on registered.person_ref = record.person_ref
)

select
    {{ surrogate_key('episode', ['service_family_code', 'sender_code', 'episode_id']) }} as episode_key,
    service_family_code,
    sender_code,
    episode_id,
    min(touched_from) as touched_from
from touched
group by service_family_code, sender_code, episode_id
