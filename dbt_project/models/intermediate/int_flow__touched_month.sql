{{ config(materialized='table', indexes=[{'columns': ['flow_code', 'sender_code', 'month_on'], 'unique': true}]) }}
-- One row per flow, sender and month whose persons dq_match_rate counts again: of the deliveries that hold a version of a record that new
-- deliveries wrote, or whose person identity has moved or found by another method.
{% set records = [
    ('far1__admission', 'admission_id'),
    ('adi1__taking_in_charge', 'care_id'),
    ('smac__contract', 'contract_id'),
    ('sisam__case', 'case_id')
] %}
with changed_ref as (
    select person_ref
    from {{ source('raw', 'identity__person') }}
    where {{ in_new_identities('changed_seq') }}
),

touched as (
    select delivery_id
    from {{ ref('int_iass__touched_contact') }}
    union
    select demand.delivery_id
    from changed_ref
    inner join {{ source('raw', 'iass__demand') }} as demand
        on changed_ref.person_ref = demand.person_ref
    {% for table, key in records %}
        union
        select version.delivery_id
        from {{ source('raw', table) }} as record
        inner join {{ source('raw', table) }} as version
            on
                record.sender_code = version.sender_code
                and record.{{ key }} = version.{{ key }}
        where
            {{ in_new_deliveries('record.delivery_id') }}
            or record.person_ref in (
                select changed_ref.person_ref
                from changed_ref
            )
    {% endfor %}
)

select distinct
    delivery.flow_code,
    delivery.sender_code,
    cast(date_trunc('month', delivery.period_start_on) as date) as month_on
from touched
inner join {{ ref('stg_landing__delivery') }} as delivery
    on touched.delivery_id = delivery.delivery_id
