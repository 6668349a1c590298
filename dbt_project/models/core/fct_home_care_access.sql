-- depends_on: {{ ref('int_service__touched') }}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
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
select
    {{ surrogate_key('access', ['access.delivery_id', 'access.record_number', 'access.access_number']) }} as access_key,
    episode.episode_key,
    access.access_on,
    coalesce(day.date_key, -1) as access_date_key,
    episode.sender_code,
    episode.district_code,
    episode.ausl_code,
    episode.territory_key,
    episode.person_key,
    coalesce(person.person_version_key, -1) as person_version_key,
    episode.service_key,
    coalesce(operator.operator_type_key, -1) as operator_type_key,
    access.delivery_id as delivery_key,
    access.access_type_code,
    cast(coalesce(access.n_accesses, 1) as integer) as n_accesses,
    cast(coalesce(service.n_services, 0) as integer) as n_services
from {{ ref('int_service__episode') }} as episode
inner join {{ ref('stg_adi2__care') }} as care
    on
        episode.service_family_code = 'ADI'
        and episode.sender_code = care.sender_code
        and episode.episode_id = care.care_id
inner join {{ ref('stg_adi2__access') }} as access
    on
        care.delivery_id = access.delivery_id
        and care.record_number = access.record_number
        and access.access_on >= episode.touched_from
left join (
    select
        delivery_id,
        record_number,
        access_number,
        sum(n_services) as n_services
    from {{ ref('stg_adi2__service') }}
    group by delivery_id, record_number, access_number
) as service
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
        episode.person_key = person.person_key
        and access.access_on between person.valid_from and person.valid_to
