{# Every territory and every cut of the marts of paths that a request falls in; in an incremental build those of touched years and places.
   Sum requests over one type of cut, never over two. #}
{% macro path_cuts(request) -%}
    {{ places(
        request ~ '.district_code',
        request ~ '.ausl_code',
        is_touched_place(request ~ '.year_number', 'listed') if is_incremental()
    ) }}
    cross join lateral (
        values
        ('all', 'TOT'),
        ('demand_level1', {{ request }}.level1_code),
        ('demand_type', {{ request }}.regional_code),
        ('report_target', {{ request }}.report_target_code)
    ) as cut (cut_type, cut_code)
{%- endmacro %}

{# Whether an incremental build writes the paths of a year and place again. #}
{% macro is_touched_place(year_number, place) -%}
    {{ is_among_touched(
        'int_pathway__touched_cell',
        ['year_number', 'territory_level', 'territory_code'],
        [year_number, place ~ '.territory_level', place ~ '.territory_code']
    ) }}
{%- endmacro %}
