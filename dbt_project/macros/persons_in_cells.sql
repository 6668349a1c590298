{# Distinct persons in every cell that `cuts` gives, without looking for each of them in each cell. What a person is in a year and place is
   the set of months in which she was there (bits, January the lowest). Who has the same set is counted together, and stands in every
   period that has one of its months.
   `seen` is a relation with month_on (any day of the month), district_code, ausl_code, person_key (none is nobody) and the columns `by`. The
   answer has one row per cell and columns of `by`. #}
{% macro persons_in_cells(seen, touched, by=[], types=['month', 'quarter', 'half_year', 'year']) -%}
    with in_district as (
        select
            cast(extract(year from month_on) as integer) as year_number,
            district_code,
            ausl_code,
            person_key,
        {% for column in by %}
            seen.{{ column }},
        {% endfor %}
            bit_or(1 << cast(extract(month from month_on) as integer) - 1) as months
        from {{ seen }} as seen
        where person_key is not null
        group by {{ range(1, 5 + by | length) | join(', ') }}
    ),

    person as (
        select
            in_district.year_number,
            place.territory_level,
            place.territory_code,
            in_district.person_key,
        {% for column in by %}
            in_district.{{ column }},
        {% endfor %}
            bit_or(in_district.months) as months
        from in_district
        {{ places('in_district.district_code', 'in_district.ausl_code') }}
        group by {{ range(1, 5 + by | length) | join(', ') }}
    ),

    same_months as (
        select
            year_number,
            territory_level,
            territory_code,
            months,
        {% for column in by %}
            person.{{ column }},
        {% endfor %}
            count(*) as n_persons
        from person
        group by {{ range(1, 5 + by | length) | join(', ') }}
    ),

    in_period as (
        select
            period.period_type,
            make_date(same_months.year_number, period.first_month, 1) as period_start_on,
            same_months.*
        from same_months
        inner join (
            {{ periods_of_a_year(types) }}
        ) as period
            on same_months.months & period.months <> 0
    )

    select
        period_type,
        period_start_on,
        territory_level,
        territory_code,
    {% for column in by %}
        in_period.{{ column }},
    {% endfor %}
        cast(sum(n_persons) as bigint) as n_persons
    from in_period
    {% if is_incremental() %}
        where {{ is_among_touched(touched, ['period_type', 'period_start_on', 'territory_level', 'territory_code']) }}
    {% endif %}
    group by {{ range(1, 5 + by | length) | join(', ') }}
{%- endmacro %}

{% macro periods_of_a_year(types) -%}
    select
        length.period_type,
        series.first_month,
        ((1 << length.n_months) - 1) << series.first_month - 1 as months
    from (
        values ('month', 1), ('quarter', 3), ('half_year', 6), ('year', 12)
    ) as length (period_type, n_months)
    cross join lateral generate_series(1, 12, length.n_months) as series (first_month)
    where length.period_type in ('{{ types | join("', '") }}')
{%- endmacro %}
