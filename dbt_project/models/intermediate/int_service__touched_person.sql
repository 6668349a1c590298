{{ config(materialized='table') }}
-- One row per person and day whom any version of a touched episode names: whom this build may give, or take, an episode from that day on.
{% set records = [
    ('FAR', 'far1__admission', 'admission_id'),
    ('ADI', 'adi1__taking_in_charge', 'care_id'),
    ('SMAC', 'smac__contract', 'contract_id'),
    ('SISAM', 'sisam__case', 'case_id')
] %}
with named as (
    {% for family, table, key in records %}
        {{ 'union' if not loop.first }}
        select
            touched.touched_from,
            record.person_ref
        from {{ ref('int_service__touched_record') }} as touched
        inner join {{ source('raw', table) }} as record
            on
                touched.service_family_code = '{{ family }}'
                and touched.sender_code = record.sender_code
                and touched.episode_id = record.{{ key }}
    {% endfor %}
)

select distinct
    identity.person_key,
    named.touched_from
from named
inner join {{ source('raw', 'identity__person') }} as identity
    on named.person_ref = identity.person_ref
