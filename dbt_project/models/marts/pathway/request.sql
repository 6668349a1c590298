{{ config(materialized='view', post_hook='{{ security_invoker() }}') }}
-- One row per request, with every label: what it reached and after how many days.
select
    fact.demand_key,
    fact.person_key,
    fact.contact_on,
    day.year_number,
    day.month_on,
    fact.district_code,
    district.district_label,
    fact.ausl_code,
    fact.sex_code,
    age_band.age_band_code,
    age_band.age_band_label,
    target.report_target_code,
    target.report_target_label,
    type.regional_code,
    type.demand_type_label,
    type.level1_code,
    type.level1_label,
    outcome_type.outcome_type_label,
    fact.is_answered_at_desk,
    fact.is_processed_by_desk,
    fact.is_referred,
    fact.is_repeated,
    fact.previous_gap_days,
    fact.is_return_after_end,
    fact.previous_end_days,
    {% for prefix in ['assessment', 'charge', 'service', 'far', 'adi', 'smac', 'sisam'] %}
        fact.{{ prefix }}_days,
        fact.{{ prefix }}_status_code,
    {% endfor %}
    fact.service_link_source_code,
    fact.answer_code,
    fact.is_followable,
    fact.is_window_closed,
    fact.sequel_status_code,
    fact.is_sequel_known,
    fact.is_without_sequel,
    fact.path_codes,
    fact.n_requests,
    fact.n_demands
from {{ ref('fct_pathway') }} as fact
inner join {{ ref('dim_date') }} as day
    on fact.contact_date_key = day.date_key
inner join {{ ref('dim_age_band') }} as age_band
    on fact.age_band_key = age_band.age_band_key
inner join {{ ref('dim_report_target') }} as target
    on fact.report_target_key = target.report_target_key
inner join {{ ref('dim_demand_type') }} as type
    on fact.demand_type_key = type.demand_type_key
inner join {{ ref('dim_outcome_type') }} as outcome_type
    on fact.outcome_type_key = outcome_type.outcome_type_key
left join {{ ref('dim_territory') }} as district
    on
        district.territory_level = 'district'
        and fact.district_code = district.territory_code
        and fact.contact_on between district.valid_from and district.valid_to
