{# Every territory and every cut of the marts of paths that a request falls in, by the codes under which its keys stand in the dimensions.
   Sum requests over one type of cut, never over two. #}
{% macro path_cuts(request) -%}
    inner join {{ ref('dim_demand_type') }} as type
        on {{ request }}.demand_type_key = type.demand_type_key
    inner join {{ ref('dim_report_target') }} as target
        on {{ request }}.report_target_key = target.report_target_key
    {{ places(request ~ '.district_code', request ~ '.ausl_code') }}
    cross join lateral (
        values
        ('all', 'TOT'),
        ('demand_level1', type.level1_code),
        ('demand_type', type.regional_code),
        ('report_target', target.report_target_code)
    ) as cut (cut_type, cut_code)
{%- endmacro %}

{# The key of such a cell: one column to find it by. A join by the columns that it is made of would be planned for a handful of rows. #}
{% macro path_cell_key(request) -%}
    {{ surrogate_key('path_cell', [
        request ~ '.year_number', 'place.territory_level', 'place.territory_code', 'cut.cut_type', 'cut.cut_code'
    ]) }}
{%- endmacro %}

{# The key of all that says in which cells a request falls. #}
{% macro path_kind_key(request, year) -%}
    {{ surrogate_key('path_kind', [
        year, request ~ '.district_code', request ~ '.ausl_code', request ~ '.demand_type_key', request ~ '.report_target_key'
    ]) }}
{%- endmacro %}
