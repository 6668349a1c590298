{# Every period and every level of territory that a fact's row falls in. Persons are counted distinct in each, never summed. #}
{% macro cuts(date_column, district_column, ausl_column) -%}
    {{ period_cuts(date_column) }}
    {{ places(district_column, ausl_column) }}
{%- endmacro %}

{% macro period_cuts(date_column) -%}
    cross join lateral (
        values
        ('month', cast(date_trunc('month', {{ date_column }}) as date)),
        ('quarter', cast(date_trunc('quarter', {{ date_column }}) as date)),
        (
            'half_year',
            make_date(
                cast(extract(year from {{ date_column }}) as integer),
                case when extract(month from {{ date_column }}) <= 6 then 1 else 7 end,
                1
            )
        ),
        ('year', cast(date_trunc('year', {{ date_column }}) as date))
    ) as period (period_type, period_start_on)
{%- endmacro %}

{% macro places(district_column, ausl_column) -%}
    cross join lateral (
        values ('district', {{ district_column }}), ('ausl', {{ ausl_column }}), ('region', '080')
    ) as place (territory_level, territory_code)
{%- endmacro %}

{# The year's rows that this build writes again. #}
{% macro in_touched_years(date_column, touched='int_iass__touched_year') -%}
    extract(year from {{ date_column }}) in (
        select touched.year_number
        from {{ ref(touched) }} as touched
    )
{%- endmacro %}
