-- depends_on: {{ ref('int_iass__touched_day') }}
{{ config(
    materialized='incremental',
    meta={'touched': {'by': 'int_iass__touched_day', 'columns': ['sender_code', 'contact_on']}},
    indexes=[
        {'columns': ['demand_key'], 'unique': true},
        {'columns': ['sender_code', 'contact_on']},
        {'columns': ['contact_key']},
        {'columns': ['person_key']},
        {'columns': ['contact_date_key']},
        {'columns': ['district_code']},
        {'columns': ['delivery_key']}
    ]
) }}
-- One row per demand of a live contact.
with contact as (
    select contact.*
    from {{ ref('fct_contact') }} as contact
    {% if is_incremental() %}
        inner join {{ ref('int_iass__touched_day') }} as touched
            on
                contact.sender_code = touched.sender_code
                and contact.contact_on = touched.contact_on
    {% endif %}
),

demand as (
    select
        demand.*,
        case
            when demand.person_ref is not null then coalesce(identity.person_key, -1)
            when demand.identifier_type_code = '98' then -2
            else -1
        end as person_key
    from contact
    inner join {{ ref('stg_iass__demand') }} as demand
        on
            contact.delivery_key = demand.delivery_id
            and contact.contact_key = demand.contact_key
    left join {{ source('raw', 'identity__person') }} as identity
        on demand.person_ref = identity.person_ref
)

select
    demand.demand_key,
    demand.contact_key,
    contact.contact_id,
    demand.demand_number,
    contact.contact_on,
    contact.contact_date_key,
    contact.sender_code,
    contact.district_code,
    contact.ausl_code,
    contact.territory_key,
    case
        when residence.comune_code is null then -1
        else {{ surrogate_key('territory', ["'comune'", 'residence.comune_code', 'residence.valid_from']) }}
    end as residence_territory_key,
    contact.desk_key,
    demand.person_key,
    coalesce(person.person_version_key, -1) as person_version_key,
    coalesce(demand_type.demand_type_key, -1) as demand_type_key,
    coalesce(target.target_group_key, -1) as target_group_key,
    coalesce(target.report_target_key, -1) as report_target_key,
    contact.contact_mode_key,
    contact.reporter_type_key,
    coalesce(outcome_type.outcome_type_key, -1) as outcome_type_key,
    coalesce(citizenship.citizenship_key, -1) as citizenship_key,
    coalesce(age_band.age_band_key, -1) as age_band_key,
    contact.delivery_key,
    coalesce(demand.sex_code, '-1') as sex_code,
    demand.age_years,
    demand.local_item_code,
    demand.person_key > 0 as is_person_identified,
    demand.person_key > 0 and demand.person_key = contact.reporter_person_key as is_reporter_interested,
    1 as n_demands,
    cast(outcome.n_outcomes as integer) as n_outcomes
from demand
inner join contact
    on demand.contact_key = contact.contact_key
-- Looked up demand by demand: the planner takes the demands for a handful, and would compare each with each outcome.
cross join
    lateral (
        select
            count(*) as n_outcomes,
            (array_agg(outcome.outcome_type_code order by rank.outcome_rank desc nulls last, outcome.outcome_number))[1]
                as outcome_type_code
        from {{ ref('stg_iass__outcome') }} as outcome
        left join {{ ref('outcome_rank') }} as rank
            on outcome.outcome_type_code = rank.outcome_type_code
        where
            demand.delivery_id = outcome.delivery_id
            and demand.record_number = outcome.record_number
            and demand.demand_key = outcome.demand_key
    ) as outcome
left join {{ ref('dim_person') }} as person
    on
        demand.person_key = person.person_key
        and contact.contact_on between person.valid_from and person.valid_to
left join {{ ref('int_demand_type__version') }} as demand_type
    on
        demand.regional_code = demand_type.regional_code
        and contact.contact_on between demand_type.used_from and demand_type.used_to
left join {{ ref('dim_target_group') }} as target
    on
        demand.life_cycle_code = target.life_cycle_code
        and demand.condition_code = target.condition_code
        and contact.contact_on between target.valid_from and target.valid_to
left join {{ ref('territory') }} as residence
    on
        demand.residence_comune_code = residence.comune_code
        and contact.contact_on between residence.valid_from and residence.valid_to
left join {{ ref('dim_outcome_type') }} as outcome_type
    on outcome.outcome_type_code = outcome_type.outcome_type_code
left join {{ ref('dim_citizenship') }} as citizenship
    on coalesce(demand.citizenship_code, '998') = citizenship.citizenship_code
left join {{ ref('dim_age_band') }} as age_band
    on
        demand.age_years between age_band.age_from and age_band.age_to
        and age_band.age_band_key > 0
-- Kept in the order of days: who counts a year again, or asks for one, reads that year's pages only.
order by contact.contact_on
