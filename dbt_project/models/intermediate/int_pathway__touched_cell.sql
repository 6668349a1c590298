{{ config(materialized='table', indexes=[{'columns': ['cell_key'], 'unique': true}]) }}
-- One row per year, place and cut whose aggregates of paths this build writes again: where requests changed.
with changed as (
    {{ places_changed('int_pathway__place_before', places_of_requests(ref('fct_pathway')), keys=['demand_type_key', 'report_target_key']) }}
),

request as (
    select distinct
        cast(extract(year from month_on) as integer) as year_number,
        district_code,
        ausl_code,
        demand_type_key,
        report_target_key
    from changed
),

touched as (
    select distinct
        {{ path_cell_key('request') }} as cell_key,
        request.year_number,
        place.territory_level,
        place.territory_code,
        cut.cut_type,
        cut.cut_code
    from request
    {{ path_cuts('request') }}
)

select
    touched.*,
    label.cut_label
from touched
inner join {{ ref('int_pathway__cut_label') }} as label
    on
        touched.cut_type = label.cut_type
        and touched.cut_code = label.cut_code
