{{ config(materialized='view', post_hook='{{ security_invoker() }}') }}
-- One row per demand, with every label.
select
    demand.demand_key,
    demand.contact_key,
    demand.official_contact_key,
    demand.contact_id,
    demand.demand_number,
    demand.contact_on,
    day.year_number,
    day.month_on,
    day.month_label,
    demand.district_code,
    district.district_label,
    demand.ausl_code,
    district.ausl_label,
    desk.desk_code,
    demand.person_key,
    demand.is_person_identified,
    demand.is_reporter_interested,
    demand.sex_code,
    demand.age_years,
    age_band.age_band_code,
    age_band.age_band_label,
    citizenship.citizenship_label,
    citizenship.citizenship_group,
    residence.territory_label as residence_comune_label,
    target.life_cycle_label,
    target.condition_label,
    target.report_target_code,
    target.report_target_label,
    demand_type.regional_code,
    demand_type.demand_type_label,
    demand_type.level1_code,
    demand_type.level1_label,
    mode.contact_mode_label,
    reporter_type.reporter_type_label,
    outcome_type.outcome_type_label,
    demand.n_demands,
    demand.n_outcomes
from {{ ref('fct_demand') }} as demand
inner join {{ ref('dim_date') }} as day
    on demand.contact_date_key = day.date_key
inner join {{ ref('dim_desk') }} as desk
    on demand.desk_key = desk.desk_key
inner join {{ ref('dim_age_band') }} as age_band
    on demand.age_band_key = age_band.age_band_key
inner join {{ ref('dim_citizenship') }} as citizenship
    on demand.citizenship_key = citizenship.citizenship_key
inner join {{ ref('dim_territory') }} as residence
    on demand.residence_territory_key = residence.territory_key
inner join {{ ref('dim_target_group') }} as target
    on demand.target_group_key = target.target_group_key
inner join {{ ref('dim_demand_type') }} as demand_type
    on demand.demand_type_key = demand_type.demand_type_key
inner join {{ ref('dim_contact_mode') }} as mode
    on demand.contact_mode_key = mode.contact_mode_key
inner join {{ ref('dim_reporter_type') }} as reporter_type
    on demand.reporter_type_key = reporter_type.reporter_type_key
inner join {{ ref('dim_outcome_type') }} as outcome_type
    on demand.outcome_type_key = outcome_type.outcome_type_key
left join {{ ref('dim_territory') }} as district
    on
        district.territory_level = 'district'
        and demand.district_code = district.territory_code
        and demand.contact_on between district.valid_from and district.valid_to
