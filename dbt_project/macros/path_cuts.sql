{# Every territory and every cut of the marts of paths that a request falls in; sum requests over one type of cut, never over two. #}
{% macro path_cuts(request) -%}
    {{ places(request ~ '.district_code', request ~ '.ausl_code') }}
    cross join lateral (
        values
        ('all', 'TOT'),
        ('demand_level1', {{ request }}.level1_code),
        ('demand_type', {{ request }}.regional_code),
        ('report_target', {{ request }}.report_target_code)
    ) as cut (cut_type, cut_code)
{%- endmacro %}
