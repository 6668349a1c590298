{{ config(materialized='table') }}
-- One row per episode, identity and first day that any version of a touched episode names: whom this build may give, or take, an episode.
with touched as (
    select
        episode_key,
        service_family_code,
        sender_code,
        episode_id,
        touched_from
    from {{ ref('int_service__touched_record') }}
),

named as (
    select
        touched.episode_key,
        touched.touched_from,
        record.person_ref,
        record.admission_on as begun_on
    from touched
    inner join {{ source('raw', 'far1__admission') }} as record
        on
            touched.service_family_code = 'FAR'
            and touched.sender_code = record.sender_code
            and touched.episode_id = record.admission_id
    union
    select
        touched.episode_key,
        touched.touched_from,
        record.person_ref,
        record.started_on as begun_on
    from touched
    inner join {{ source('raw', 'adi1__taking_in_charge') }} as record
        on
            touched.service_family_code = 'ADI'
            and touched.sender_code = record.sender_code
            and touched.episode_id = record.care_id
    union
    select
        touched.episode_key,
        touched.touched_from,
        record.person_ref,
        record.start_on as begun_on
    from touched
    inner join {{ source('raw', 'smac__contract') }} as record
        on
            touched.service_family_code = 'SMAC'
            and touched.sender_code = record.sender_code
            and touched.episode_id = record.contract_id
    union
    select
        touched.episode_key,
        touched.touched_from,
        record.person_ref,
        record.report_on as begun_on
    from touched
    inner join {{ source('raw', 'sisam__case') }} as record
        on
            touched.service_family_code = 'SISAM'
            and touched.sender_code = record.sender_code
            and touched.episode_id = record.case_id
)

select
    named.episode_key,
    named.touched_from,
    named.begun_on,
    identity.person_key
from named
left join {{ source('raw', 'identity__person') }} as identity
    on named.person_ref = identity.person_ref
