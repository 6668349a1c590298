{# Every territory and every cut of the marts of paths that a request falls in; in an incremental build those of touched years and places.
   Sum requests over one type of cut, never over two. #}
{% macro path_cuts(request) -%}
    {{ places(
        request ~ '.district_code',
        request ~ '.ausl_code',
        is_among_touched(
            'int_pathway__touched_cell',
            ['year_number', 'territory_level', 'territory_code'],
            [request ~ '.year_number', 'listed.territory_level', 'listed.territory_code']
        ) if is_incremental()
    ) }}
    cross join lateral (
        values
        ('all', 'TOT'),
        ('demand_level1', {{ request }}.level1_code),
        ('demand_type', {{ request }}.regional_code),
        ('report_target', {{ request }}.report_target_code)
    ) as cut (cut_type, cut_code)
{%- endmacro %}

{# In an incremental build, the rows of the years and places that it writes again. #}
{% macro only_touched(year_number, place) -%}
    {%- if is_incremental() -%}
        inner join {{ ref('int_pathway__touched_cell') }} as touched
            on
                {{ year_number }} = touched.year_number
                and {{ place }}.territory_level = touched.territory_level
                and {{ place }}.territory_code = touched.territory_code
    {%- endif -%}
{%- endmacro %}
