-- depends_on: {{ ref('int_service__touched') }}
{{ config(
    materialized='incremental',
    meta={'touched': {'by': 'int_service__touched', 'columns': ['episode_key'], 'day': 'access_on'}},
    indexes=[
        {'columns': ['access_key'], 'unique': true},
        {'columns': ['episode_key', 'access_on']},
        {'columns': ['person_key']},
        {'columns': ['access_date_key']},
        {'columns': ['delivery_key']}
    ]
) }}
-- One row per access at home as sent: sum n_accesses, one row may stand for more than one of the same day.
with care as (
    select
        episode.*,
        care.delivery_id,
        care.record_number
    from {{ ref('int_service__episode') }} as episode
    inner join {{ ref('stg_adi2__care') }} as care
        on
            episode.service_family_code = 'ADI'
            and episode.sender_code = care.sender_code
            and episode.episode_id = care.care_id
),

service as (
    select
        care.delivery_id,
        care.record_number,
        service.access_number,
        -- The number may be left out, and is one then.
        sum(coalesce(service.n_services, 1)) as n_services
    from care
    inner join {{ ref('stg_adi2__service') }} as service
        on
            care.delivery_id = service.delivery_id
            and care.record_number = service.record_number
    group by care.delivery_id, care.record_number, service.access_number
)

select
    {{ surrogate_key('access', ['access.delivery_id', 'access.record_number', 'access.access_number']) }} as access_key,
    care.episode_key,
    access.access_on,
    coalesce(day.date_key, -1) as access_date_key,
    care.sender_code,
    {{ place_columns('care') }},
    care.person_key,
    coalesce(person.person_version_key, -1) as person_version_key,
    care.service_key,
    coalesce(operator.operator_type_key, -1) as operator_type_key,
    access.delivery_id as delivery_key,
    access.access_type_code,
    cast(coalesce(access.n_accesses, 1) as integer) as n_accesses,
    cast(coalesce(service.n_services, 0) as integer) as n_services
from care
inner join {{ ref('stg_adi2__access') }} as access
    on
        care.delivery_id = access.delivery_id
        and care.record_number = access.record_number
        and access.access_on >= care.touched_from
{{ place_on('care', 'access.access_on') }}
left join service
    on
        access.delivery_id = service.delivery_id
        and access.record_number = service.record_number
        and access.access_number = service.access_number
left join {{ ref('dim_date') }} as day
    on access.access_on = day.date_on
left join {{ ref('dim_operator_type') }} as operator
    on access.operator_type_code = operator.operator_type_code
left join {{ ref('dim_person') }} as person
    on
        care.person_key = person.person_key
        and access.access_on between person.valid_from and person.valid_to
