-- One row per request and milestone: whether and when it was reached, how long it was looked for, and what it may be cut by. Only of the
-- years that this build writes again.
select
    cast(extract(year from pathway.contact_on) as integer) as year_number,
    pathway.contact_on,
    pathway.person_key,
    pathway.district_code,
    pathway.ausl_code,
    type.regional_code,
    type.level1_code,
    target.report_target_code,
    milestone.milestone_code,
    milestone.days_between,
    milestone.followed_days,
    milestone.status_code,
    milestone.link_source_code
from {{ ref('fct_pathway') }} as pathway
inner join {{ ref('dim_demand_type') }} as type
    on pathway.demand_type_key = type.demand_type_key
inner join {{ ref('dim_report_target') }} as target
    on pathway.report_target_key = target.report_target_key
cross join
    lateral (
        values
        {% for prefix in ['assessment', 'charge', 'service', 'far', 'adi', 'smac', 'sisam'] %}
            (
                '{{ prefix if loop.index <= 3 else prefix | upper }}', pathway.{{ prefix }}_days, pathway.{{ prefix }}_followed_days,
                pathway.{{ prefix }}_status_code, pathway.{{ prefix }}_link_source_code
            ){{ ',' if not loop.last }}
        {% endfor %}
    ) as milestone (milestone_code, days_between, followed_days, status_code, link_source_code)
where {{ in_touched_years('pathway.contact_on', 'int_pathway__touched_cell') }}
