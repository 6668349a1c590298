-- depends_on: {{ ref('int_iass__touched_month') }}
{{ config(
    materialized='incremental',
    meta={'touched': {'by': 'int_iass__touched_month', 'columns': ['sender_code', 'month_on']}},
    indexes=[
        {'columns': ['person_key', 'report_target_key', 'month_on', 'sender_code'], 'unique': true},
        {'columns': ['sender_code', 'month_on']},
        {'columns': ['month_date_key']},
        {'columns': ['district_code']}
    ]
) }}
-- One row per identified person, report target, month and district: whom the desks saw, ready to be counted distinct.
with demand as (
    select
        demand.*,
        cast(date_trunc('month', demand.contact_on) as date) as month_on
    from {{ ref('fct_demand') }} as demand
    {% if is_incremental() %}
        inner join {{ ref('int_iass__touched_month') }} as touched
            on
                demand.sender_code = touched.sender_code
                and demand.contact_on >= touched.month_on
                and demand.contact_on < touched.month_on + interval '1 month'
    {% endif %}
    where demand.person_key > 0
),

-- Where she stood, and which of her versions, is what her first demand of the month says.
first_demand as (
    select distinct on (sender_code, month_on, person_key, report_target_key)
        sender_code,
        month_on,
        person_key,
        report_target_key,
        district_code,
        ausl_code,
        person_version_key
    from demand
    order by sender_code, month_on, person_key, report_target_key, contact_on, contact_id, demand_number
),

counted as (
    select
        sender_code,
        month_on,
        person_key,
        report_target_key,
        count(*) as n_demands,
        count(distinct official_contact_key) as n_demand_contacts
    from demand
    group by sender_code, month_on, person_key, report_target_key
)

select
    person.person_key,
    person.report_target_key,
    person.month_on,
    cast(to_char(person.month_on, 'YYYYMMDD') as integer) as month_date_key,
    person.sender_code,
    person.district_code,
    person.ausl_code,
    coalesce(district.territory_key, -1) as territory_key,
    person.person_version_key,
    cast(counted.n_demands as integer) as n_demands,
    cast(counted.n_demand_contacts as integer) as n_demand_contacts
from first_demand as person
inner join counted
    on
        person.sender_code = counted.sender_code
        and person.month_on = counted.month_on
        and person.person_key = counted.person_key
        and person.report_target_key = counted.report_target_key
left join {{ ref('dim_territory') }} as district
    on
        district.territory_level = 'district'
        and person.district_code = district.territory_code
        and person.month_on between district.valid_from and district.valid_to
-- Kept in the order of months: who counts a year again, or asks for one, reads that year's pages only.
order by person.month_on
