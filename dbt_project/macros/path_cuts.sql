{# Every territory and every cut of the marts of paths that a request falls in; sum requests over one type of cut, never over two. #}
{% macro path_cuts(request) -%}
    cross join lateral (
        values ('district', {{ request }}.district_code), ('ausl', {{ request }}.ausl_code), ('region', '080')
    ) as place (territory_level, territory_code)
    {{ path_cut(request) }}
{%- endmacro %}

{% macro path_cut(request) -%}
    cross join lateral (
        values
        ('all', 'TOT'),
        ('demand_level1', {{ request }}.level1_code),
        ('demand_type', {{ request }}.regional_code),
        ('report_target', {{ request }}.report_target_code)
    ) as cut (cut_type, cut_code)
{%- endmacro %}
