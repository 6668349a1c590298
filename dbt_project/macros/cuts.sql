{# Every period and every level of territory that a fact's row falls in; in an incremental build, of these cells those that are touched.
   Persons are counted distinct in each, never summed. #}
{% macro cuts(date_column, district_column, ausl_column, touched, types=['month', 'quarter', 'half_year', 'year']) -%}
    {{ places(district_column, ausl_column) }}
    {%- if is_incremental() %}
        inner join {{ ref(touched) }} as period
            on
                cast(date_trunc('month', {{ date_column }}) as date) = period.month_on
                and period.period_type in ('{{ types | join("', '") }}')
                and place.territory_level = period.territory_level
                and place.territory_code = period.territory_code
    {%- else %}
        {{ period_cuts(date_column, types) }}
    {%- endif %}
{%- endmacro %}

{% macro period_cuts(date_column, types=['month', 'quarter', 'half_year', 'year']) -%}
    cross join lateral (
        values
    {% for type in types %}
        (
            '{{ type }}',
            {% if type == 'half_year' %}
            make_date(
                cast(extract(year from {{ date_column }}) as integer),
                case when extract(month from {{ date_column }}) <= 6 then 1 else 7 end,
                1
            )
            {% else %}
            cast(date_trunc('{{ type }}', {{ date_column }}) as date)
            {% endif %}
        ){{ ',' if not loop.last }}
    {% endfor %}
    ) as period (period_type, period_start_on)
{%- endmacro %}

{# A row of an AUSL that has become part of another counts for that one too, at a level of its own: `ausl_today` and `ausl` together are
   the series of an AUSL on its borders of today. #}
{% macro places(district_column, ausl_column) -%}
    cross join lateral (
        select
            listed.territory_level,
            listed.territory_code
        from (
            values
            ('district', {{ district_column }}), ('ausl', {{ ausl_column }}), ('ausl_today', {{ ausl_of_today(ausl_column) }}), ('region', '080')
        ) as listed (territory_level, territory_code)
        where listed.territory_code is not null
    ) as place
{%- endmacro %}

{# The AUSL of today that an AUSL has become part of; none of one that is there. #}
{% macro ausl_of_today(ausl_column) -%}
    case {{ ausl_column }} {% for former in var('ausl_today') %}when '{{ former }}' then '{{ var('ausl_today')[former] }}' {% endfor %}end
{%- endmacro %}

{# For what is put together by period before it is by place: in an incremental build the periods in which any place is touched … #}
{% macro periods_first(date_column, touched, types=['month', 'quarter', 'half_year', 'year']) -%}
    {%- if is_incremental() -%}
        inner join (
            select distinct
                touched.month_on,
                touched.period_type,
                touched.period_start_on
            from {{ ref(touched) }} as touched
            where touched.period_type in ('{{ types | join("', '") }}')
        ) as period
            on cast(date_trunc('month', {{ date_column }}) as date) = period.month_on
    {%- else -%}
        {{ period_cuts(date_column, types) }}
    {%- endif -%}
{%- endmacro %}

{# … and of their places the touched ones. #}
{% macro places_then(period, touched) -%}
    {{ places(period ~ '.district_code', period ~ '.ausl_code') }}
    {%- if is_incremental() %}
        inner join {{ ref(touched) }} as cell
            on
                {{ period }}.period_type = cell.period_type
                and {{ period }}.period_start_on = cell.period_start_on
                and cell.period_start_on = cell.month_on
                and place.territory_level = cell.territory_level
                and place.territory_code = cell.territory_code
    {%- endif %}
{%- endmacro %}

{# The rows of years in which anything is touched, found by day: `date_column` is a date or a date's key, with an index. #}
{% macro in_touched_years(date_column, touched) -%}
    {{ date_column }} in (
        select day.{{ 'date_key' if date_column.endswith('_key') else 'date_on' }}
        from {{ ref('dim_date') }} as day
        where
            day.year_number in (
                select touched.year_number
                from {{ ref(touched) }} as touched
            )
    )
{%- endmacro %}
