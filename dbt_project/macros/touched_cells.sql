{# Which cells of the aggregates an incremental build writes again: the periods and places of the rows that it takes away from the facts
   and of those that it puts there. See docs/decisions/0026. #}

{# Months and places of the rows of a fact, a relation as it was or as it is, that this build writes again, and what they hold. Of the
   contacts only the places: their demands and outcomes are facts of their own, and a target of a contact's month may change its place
   with any of its days. #}
{% macro places_of_contacts(fact) -%}
    select distinct
        touched.month_on,
        contact.district_code,
        contact.ausl_code,
        cast(null as text) as content
    from {{ ref('int_iass__touched_month') }} as touched
    inner join {{ fact }} as contact
        on
            touched.sender_code = contact.sender_code
            and contact.contact_on >= touched.month_on
            and contact.contact_on < touched.month_on + interval '1 month'
{%- endmacro %}

{% macro places_of_service_months(fact) -%}
    select
        month.month_on,
        month.district_code,
        month.ausl_code,
        md5(cast(month as text)) as content
    from {{ ref('int_service__touched') }} as touched
    inner join {{ fact }} as month
        on
            touched.episode_key = month.episode_key
            and month.month_end_on >= touched.touched_from
{%- endmacro %}

{% macro places_of_requests(fact) -%}
    select
        cast(date_trunc('month', request.contact_on) as date) as month_on,
        request.district_code,
        request.ausl_code,
        md5(cast(request as text)) as content,
        request.demand_type_key,
        request.report_target_key
    from {{ ref('int_pathway__touched_person') }} as touched
    -- Looked up person by person: the planner would read the requests of all years.
    cross join lateral (
        select *
        from {{ fact }} as known
        where
            touched.person_key = known.person_key
            and known.last_contact_on >= touched.touched_from
        offset 0
    ) as request
{%- endmacro %}

{# Those of a fact before this build writes it, and one row without a place that says that the build was here. `keys` are those of the
   fact that the aggregates are cut by besides. No ref, which would make a circle: the fact says that it comes after. #}
{% macro places_before(fact, places_of, keys=[]) -%}
    {%- if is_incremental() -%}
        with place as (
            {{ places_of(model_relation(fact)) }}
        )

        select
            place.*,
            '{{ invocation_id }}' as invocation_id,
            {{ from_delivery_id() }} as from_delivery_id,
            {{ from_identity_seq() }} as from_identity_seq
        from place
        union all
        select null, null, null, null, {{ 'null, ' * (keys | length) }}'{{ invocation_id }}', {{ from_delivery_id() }}, {{ from_identity_seq() }}
    {%- else -%}
        select
            cast(null as date) as month_on,
            cast(null as text) as district_code,
            cast(null as text) as ausl_code,
            cast(null as text) as content,
            {% for key in keys %}
                cast(null as bigint) as {{ key }},
            {% endfor %}
            cast(null as text) as invocation_id,
            cast(null as bigint) as from_delivery_id,
            cast(null as bigint) as from_identity_seq
        where false
    {%- endif -%}
{%- endmacro %}

{# Pre-hook: what a build that ended well took away has been seen to. One that died began where this one begins. #}
{% macro forget_built() -%}
    {%- if is_incremental() -%}
        delete from {{ this }}
        where from_delivery_id <> {{ from_delivery_id() }} or from_identity_seq <> {{ from_identity_seq() }}
    {%- endif -%}
{%- endmacro %}

{# Months, places and `keys` whose rows are others than before. After a build that died nobody knows what it had put there: then all that
   it or this one wrote. #}
{% macro places_changed(before, places_after, keys=[]) -%}
    with before as (
        select
            month_on,
            district_code,
            ausl_code,
            content{{ ', ' if keys }}{{ keys | join(', ') }}
        from {{ ref(before) }}
        where month_on is not null
    ),

    after as (
        {{ places_after }}
    ),

    changed as (
        (
            select * from before
            except
            select * from after
        )
        union all
        (
            select * from after
            except
            select * from before
        )
        union all
        select written.*
        from (
            select * from before
            union all
            select * from after
        ) as written
        where (
            select count(distinct place.invocation_id) > 1
            from {{ ref(before) }} as place
        )
    )

    select distinct
        month_on,
        district_code,
        ausl_code{{ ', ' if keys }}{{ keys | join(', ') }}
    from changed
{%- endmacro %}

{# The cells of the months and places in `touched`, each with its months. #}
{% macro touched_cells(touched) -%}
    select distinct
        cast(series.month_on as date) as month_on,
        period.period_type,
        period.period_start_on,
        cast(extract(year from period.period_start_on) as integer) as year_number,
        place.territory_level,
        place.territory_code
    from {{ touched }} as touched
    {{ period_cuts('touched.month_on') }}
    {{ places('touched.district_code', 'touched.ausl_code') }}
    cross join lateral generate_series(
        period.period_start_on::timestamp,
        period.period_start_on + case period.period_type
            when 'month' then interval '0 months'
            when 'quarter' then interval '2 months'
            when 'half_year' then interval '5 months'
            else interval '11 months'
        end,
        interval '1 month'
    ) as series (month_on)
{%- endmacro %}

{# Whether `columns` of what is touched hold the values of a row. Looked up row by row: `is true` keeps it from being made a join, which
   would be planned for a handful of rows, as the columns of a cell go together. #}
{% macro is_among_touched(touched, columns) -%}
    ((({{ columns | join(', ') }}) in (
        select {{ columns | join(', ') }}
        from {{ ref(touched) }}
    )) is true)
{%- endmacro %}
