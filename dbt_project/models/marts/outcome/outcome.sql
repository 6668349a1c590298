{{ config(materialized='view', post_hook='{{ security_invoker() }}') }}
-- One row per outcome, with every label.
select
    outcome.outcome_key,
    outcome.demand_key,
    outcome.contact_key,
    outcome.outcome_number,
    outcome.contact_on,
    day.year_number,
    day.month_on,
    outcome_day.date_on as outcome_on,
    outcome.wait_days,
    outcome.district_code,
    district.district_label,
    outcome.ausl_code,
    district.ausl_label,
    outcome.person_key,
    target.report_target_code,
    target.report_target_label,
    demand_type.regional_code,
    demand_type.demand_type_label,
    demand_type.level1_code,
    demand_type.level1_label,
    outcome_type.outcome_type_code,
    outcome_type.outcome_type_label,
    service.destination_service_code,
    service.destination_service_label,
    outcome.n_outcomes
from {{ ref('fct_outcome') }} as outcome
inner join {{ ref('dim_date') }} as day
    on outcome.contact_date_key = day.date_key
inner join {{ ref('dim_date') }} as outcome_day
    on outcome.outcome_date_key = outcome_day.date_key
inner join {{ ref('dim_target_group') }} as target
    on outcome.target_group_key = target.target_group_key
inner join {{ ref('dim_demand_type') }} as demand_type
    on outcome.demand_type_key = demand_type.demand_type_key
inner join {{ ref('dim_outcome_type') }} as outcome_type
    on outcome.outcome_type_key = outcome_type.outcome_type_key
inner join {{ ref('dim_destination_service') }} as service
    on outcome.destination_service_key = service.destination_service_key
left join {{ ref('dim_territory') }} as district
    on
        district.territory_level = 'district'
        and outcome.district_code = district.territory_code
        and outcome.contact_on between district.valid_from and district.valid_to
