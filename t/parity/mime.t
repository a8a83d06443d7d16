#!/usr/bin/perl
# What mail/ makes of the test messages of other MIME parsers, against what those parsers make of
# them: mime4j, Perl's MIME-tools, Stalwart's mail-parser; and of mail made to hide an attachment.
# A difference that is meant is named in %meant with its reason.
use strict;
use warnings;
use Digest::MD5 qw(md5_base64);
use Encode qw(decode encode);
use JSON::PP ();
use Test::More;
use lib 't/lib';
use Poterne::Data;
use Poterne::Tree qw(slurp);

my $build = $ENV{POTERNE_BUILD} // 'build';
my $dump = "$build/t/parity/mime_dump";

plan skip_all => "$dump is not built" if !-x $dump;
my $home = Poterne::Data::unpacked('suites/suites') // plan skip_all => 'the suites are not there';

my $uu = 'uuencoded files in running text stay text: the antivirus engines look into them';
my $option = 'made with a parser option that hides or replaces nested messages';
my $junk = 'readers differ in where a header with a line that is no field ends';
my $latin = 'text that is no UTF-8 is read as windows-1252, not as U+FFFD';
my $prefix = 'a boundary that only starts a line does not delimit, as in most readers';
my $base64 = 'base64 is read on behind padding and to its last whole byte';
my $note = 'a detail of how the other parser writes its answer';
my %meant = (
    'perl/ak-0696-none'     => $option,
    'perl/ak-0696-replace'  => $option,
    'perl/dup-names'        => $note,
    'perl/multi-2evil'      => 'single backslashes of file names are kept',
    'perl/multi-digest'     => 'a type without subtype is text/plain (RFC 2045 5.2)',
    'perl/multi-nested2'    => 'the line end before a delimiter belongs to it',
    'perl/multi-weirdspace' => 'the line end before a delimiter belongs to it',
    'perl/russian'          => $note,
    'perl/uu-junk-extracted' => $uu,
    'perl/uu-zeegee'        => $uu,
    'mime4j/basic-plain-with-bad-header-separator' => $junk,
    ( map { ( "mime4j/malformedHeader$_" => $junk ) } qw(-nocrlfcrlf -noheader) ),
    ( map { ( "mime4j/malformedHeaderStartsBody$_" => $junk ) } qw(-nocrlfcrlf -noheader) ),
    'mime4j/obsolete'       => $junk,
    'mime4j/hdr-fakeout'    => 'a line of blanks goes on with the header (RFC 5322 4.2)',
    'mime4j/frag'           => $base64,
    'mime4j/multi-frag'     => $base64,
    ( map { ( "mime4j/$_" => 'blanks at the end of a boundary do not count (RFC 2046 5.1.1)' ) }
            qw(very-long-boundary very-very-long-boundary weird-boundary) ),
    ( map { ( "stalwart/legacy/$_" => $latin ) } qw(010 016 020 022 023 027 033 052) ),
    ( map { ( "stalwart/legacy/$_" => 'uuencode is a transfer encoding here' ) } qw(017 026 048) ),
    ( map { ( "stalwart/legacy/$_" => 'single backslashes of file names are kept' ) } qw(035 039) ),
    ( map { ( "stalwart/malformed/$_" => $prefix ) } qw(001 004 008) ),
    ( map { ( "stalwart/malformed/$_" => 'an outer delimiter ends all that is inside' ) }
            qw(009 011 012 013 014 016) ),
    'stalwart/malformed/000'  => 'a part whose header runs into a delimiter is a part',
    'stalwart/malformed/007'  => 'a multipart without an empty line behind its header has parts',
    'stalwart/malformed/019'  => $junk,
    'stalwart/malformed/020'  => 'of two types the multipart counts',
    'stalwart/malformed/021'  => 'of two types the multipart counts',
    'stalwart/malformed/022'  => 'an attached message that is none is still looked into',
    'stalwart/rfc/000'        => $base64,
    'stalwart/thirdparty/000' => 'NUL is no text',
    'stalwart/thirdparty/002' => $base64,
    'stalwart/thirdparty/005' => 'a boundary counts at the start of a line only',
    'stalwart/thirdparty/015' => 'an outer delimiter ends all that is inside',
);

# [{ type, body, decoded, header => […], text_of => […], children => […] … }…] for each path
sub dumped {
    my (@paths) = @_;
    my ( %parts_of, $parts, $part );
    open my $from, '-|', $dump, @paths or die "$dump: $!\n";
    while (<$from>) {
        chomp;
        my ( $name, $value ) = split / /, $_, 2;
        if ( $name eq 'file' ) {
            $parts = $parts_of{$value} = [];
        }
        elsif ( $name eq 'part' ) {
            my ( $index, $parent ) = split / /, $value;
            push @{$parts}, $part = { children => [], header => [], text_of => [] };
            push @{ $parts->[$parent]{children} }, $part if $parent ne '-';
        }
        elsif ( $name =~ /^(?:header|text_of)$/ ) { push @{ $part->{$name} }, pack 'H*', $value }
        elsif ( $name =~ /^(?:anomalies|encoding)$/ ) { $part->{$name} = $value }
        else                                          { $part->{$name} = pack 'H*', $value }
    }
    close $from or die "$dump failed on @paths\n";
    return \%parts_of;
}

# Line ends and what stands at the edges are not what is compared.
sub same_text {
    my ( $a, $b ) = map { s/\r\n/\n/gr =~ s/\A\s+|\s+\z//gr } @_;
    return $a eq $b;
}

my %count;

sub verdict {
    my ( $name, @wrong ) = @_;
    my ($suite) = $name =~ m{^(\w+)};
    $count{$suite}{all}++;
    $count{$suite}{same}++ if !@wrong;
    return ok( 1, "$name differs: $meant{$name}" ) if @wrong && $meant{$name};
    return ok( !@wrong, $name ) || diag( join "\n", @wrong );
}

# ---- Perl's MIME-tools: NAME.ref, a hash written by Data::Dumper

sub read_ref {
    my ($path) = @_;
    my $text = slurp($path);
    my %part;
    while ( $text =~ /^  "(\w+)" => \{\n(.*?)^  \}/gms ) {
        my ( $name, $fields ) = ( $1, $2 );
        $part{$name} = { $fields =~ /^    "(\w+)" => "?(.*?)"?,?$/gm };
    }
    return %part;
}

sub named_parts {
    my ( $part, $name ) = @_;
    my $n = 0;
    return ( [ $name eq '' ? 'Msg' : "Part$name", $part ],
        map { $n++; named_parts( $_, "${name}_$n" ) } @{ $part->{children} } );
}

sub compare_ref {
    my ( $ref, $message ) = @_;
    my %want = read_ref($ref);
    my %got = map { @{$_} } named_parts( dumped($message)->{$message}[0], '' );
    my @wrong;
    delete $want{Parser};
    push @wrong, map {"$_ is too much"} grep { !$want{$_} } keys %got;
    for my $name ( sort keys %want ) {
        my ( $want, $got ) = ( $want{$name}, $got{$name} );
        push( @wrong, "$name lacks" ), next if !$got;
        my %have = ( Type => $got->{type}, Charset => $got->{charset}, Filename => $got->{filename} );
        $have{Size} = length $got->{decoded};
        for ( grep { defined $have{$_} } keys %{$want} ) {
            push @wrong, "$name: $_ is $have{$_}, not $want->{$_}" if lc $want->{$_} ne lc $have{$_};
        }
    }
    return @wrong;
}

# ---- mime4j: NAME_decoded.xml, a tree of elements with the bodies in files

sub read_xml {
    my ($text) = @_;
    my @open = ( { tag => '', in => [] } );
    while ( $text =~ m{<(/?)([\w-]+)(?:\s+name="([^"]*)")?\s*(/?)>|([^<]+)}g ) {
        my ( $end, $tag, $name, $empty, $plain ) = ( $1, $2, $3, $4, $5 );
        if    ( defined $plain ) { $open[-1]{text} .= $plain }
        elsif ($end)             { pop @open }
        else {
            my $element = { tag => $tag, name => $name, text => '', in => [] };
            push @{ $open[-1]{in} }, $element;
            push @open, $element if !$empty;
        }
    }
    return $open[0]{in}[0];
}

sub inside {
    my ( $element, $tag ) = @_;
    return grep { $_->{tag} eq $tag } @{ $element->{in} };
}

sub compare_xml {
    my ( $folder, $element, $part, $at ) = @_;
    my @wrong;
    my @fields = map { inside( $_, 'field' ) } inside( $element, 'header' );
    push @wrong, sprintf '%s: %d fields, not %d', $at, scalar @{ $part->{header} }, scalar @fields
        if @fields != @{ $part->{header} };
    my @below = map { inside( $_, 'body-part' ) } inside( $element, 'multipart' );
    push @below, inside( $element, 'message' );
    if ( @below || inside( $element, 'multipart' ) ) {
        my @children = @{ $part->{children} };
        return ( @wrong, sprintf '%s: %d parts, not %d', $at, scalar @children, scalar @below )
            if @below != @children;
        push @wrong, map { compare_xml( $folder, $below[$_], $children[$_], "$at." . ( $_ + 1 ) ) } 0 .. $#below;
    }
    for ( inside( $element, 'text-body' ), inside( $element, 'binary-body' ) ) {
        my $want = slurp("$folder/$_->{name}");
        push @wrong, "$at: body" if !same_text( $want, $part->{text} ) && !same_text( $want, $part->{decoded} );
    }
    return @wrong;
}

# ---- Stalwart: NAME.json, a list of parts

sub compare_json {
    my ( $all, $index, $part, $at ) = @_;
    my $want = $all->{parts}[$index];
    my ( $kind, $value ) = ref $want->{body} ? %{ $want->{body} } : ( $want->{body}, undef );
    my @wrong = compare_names( $want, $part, $at );
    my @children = @{ $part->{children} };
    if ( $kind eq 'Multipart' ) {
        return ( @wrong, sprintf '%s: %d parts, not %d', $at, scalar @children, scalar @{$value} )
            if @{$value} != @children;
        return ( @wrong, map { compare_json( $all, $value->[$_], $children[$_], "$at." . ( $_ + 1 ) ) } 0 .. $#children );
    }
    if ( $kind eq 'Message' ) {
        return ( @wrong, "$at: no message" ) if !@children;
        return ( @wrong, compare_json( $value, 0, $children[0], "$at.m" ) );
    }
    push @wrong, "$at: has parts" if @children;
    my $bytes = ref $value ? pack 'C*', @{$value} : encode( 'UTF-8', $value );
    push @wrong, "$at: body" if !same_text( $bytes, $part->{ $kind =~ /Binary/ ? 'decoded' : 'text' } );
    return @wrong;
}

sub compare_names {
    my ( $want, $part, $at ) = @_;
    my @wrong;
    for ( @{ $want->{headers} } ) {
        my ( $name, $value ) = ( $_->{name}, $_->{value} );
        next if ref $name || ref $value ne 'HASH';
        if ( $name eq 'subject' && defined $value->{Text} ) {
            my @at = grep { $part->{header}[$_] =~ /^subject/i } 0 .. $#{ $part->{header} };
            my $subject = join ' ', split ' ', encode( 'UTF-8', $value->{Text} );
            push @wrong, "$at: subject"
                if !grep { join( ' ', split ' ', $part->{text_of}[$_] ) eq $subject } @at;
        }
        for ( @{ $value->{ContentType}{attributes} // [] } ) {
            push @wrong, "$at: file name is $part->{filename}"
                if $_->{name} eq 'filename' && encode( 'UTF-8', $_->{value} ) ne $part->{filename};
        }
    }
    return @wrong;
}

# ---- mail made to hide a file: the file, or its name, is found or not

# Reader dependent at best; what is not found is counted, not an error.
sub hidden {
    my ( $folder, $found ) = @_;
    my @paths = grep { -f && slurp($_) =~ /^X-Payload-Id: / } glob "$home/mime-evasion/$folder/*";
    my $parts_of = dumped(@paths);
    my %seen;
    for my $path (@paths) {
        my ($validity) = slurp($path) =~ /^X-Payload-Id: \S+\s+\w+\((\d)\)/m;
        $seen{$validity}{all}++;
        $seen{$validity}{found} += grep { $found->($_) } $parts_of->{$path}[-1];
    }
    for ( sort keys %seen ) {
        my ( $all, $n ) = ( $seen{$_}{all}, $seen{$_}{found} );
        ok( $_ < 2 ? $n >= $all / 2 : $n == $all, "$folder, validity $_: $n of $all seen" );
    }
    return;
}

# -----------------------------------------------------------------------------------------

for my $ref ( glob "$home/mime/perl-mime-tools/testmsgs/*.ref" ) {
    my ($name) = $ref =~ m{([^/]+)\.ref$};
    my ($message) = slurp($ref) =~ /"Message" => "testmsgs\/(.*?)"/;
    $message = "$home/mime/perl-mime-tools/testmsgs/$message";
    verdict( "perl/$name", -e $message ? compare_ref( $ref, $message ) : () );
}
for my $folder ( map {"$home/mime/mime4j/core/src/test/resources/$_"} qw(testmsgs mimetools-testmsgs) ) {
    for my $xml ( glob "$folder/*_decoded.xml" ) {
        my ($name) = $xml =~ m{([^/]+)_decoded\.xml$};
        my $part = dumped("$folder/$name.msg")->{"$folder/$name.msg"}[0];
        verdict( "mime4j/$name", compare_xml( $folder, read_xml( slurp($xml) ), $part, $name ) );
    }
}
my $eml = "$home/mime/stalwart-mail-parser/resources/eml";
for my $json ( grep { !/\.crlf\.json$/ } glob "$eml/*/*.json" ) {
    my ($name) = $json =~ m{([^/]+/[^/]+)\.json$};
    next if !-e "$eml/$name.eml";
    my $all = JSON::PP->new->utf8->decode( slurp($json) );
    verdict( "stalwart/$name", compare_json( $all, 0, dumped("$eml/$name.eml")->{"$eml/$name.eml"}[0], $name ) );
}
note("$_: $count{$_}{same} of $count{$_}{all} agree") for sort keys %count;

my $eicar_zip = 'gG+xF9ijaNgcYT8PgbuZ9Q';
hidden( 'hide-content.d', sub { md5_base64( $_[0]{decoded} ) eq $eicar_zip } );
hidden( 'hide-filename.d', sub { $_[0]{filename} eq 'file.zip' } );
done_testing();
