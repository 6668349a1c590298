-- One row per request of the years that this build writes again, with what the marts of paths cut it by.
select
    pathway.demand_key,
    pathway.person_key,
    pathway.contact_on,
    cast(extract(year from pathway.contact_on) as integer) as year_number,
    pathway.district_code,
    pathway.ausl_code,
    type.regional_code,
    type.level1_code,
    target.report_target_code,
    pathway.answer_code,
    pathway.is_repeated,
    pathway.is_return_after_end,
    pathway.path_codes,
    pathway.path_days
from {{ ref('fct_pathway') }} as pathway
inner join {{ ref('dim_demand_type') }} as type
    on pathway.demand_type_key = type.demand_type_key
inner join {{ ref('dim_report_target') }} as target
    on pathway.report_target_key = target.report_target_key
where {{ in_touched_years('pathway.contact_on', 'int_pathway__touched_cell') }}
